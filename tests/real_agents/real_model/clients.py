"""Ask a model one thing with the SDK of each wire that the proxy speaks."""

from collections.abc import Callable, Mapping

from anthropic import Anthropic, AnthropicError
from openai import OpenAI, OpenAIError

from support.proxy.process import Proxy

ASKED = "Say hello."
TOKENS_MAX = 24
MODEL = "any"


def problems(proxy: Proxy, *, streams: bool) -> list[str]:
    """Return on which wires there is no answer."""
    found: list[str] = []
    for ingress, said in SAID.items():
        try:
            text = said(proxy, streams)
        except (OpenAIError, AnthropicError, AssertionError) as error:
            found.append(f"no answer on the {ingress} wire: {error!r}")
            continue
        if not text.strip():
            found.append(f"no text in the answer on the {ingress} wire")
    return found


def _chat(proxy: Proxy, streams: bool) -> str:
    with OpenAI(base_url=proxy.url, api_key="unused", max_retries=0) as client:
        asked = client.chat.completions
        if not streams:
            whole = asked.create(
                model=MODEL, max_tokens=TOKENS_MAX, messages=[{"role": "user", "content": ASKED}]
            )
            return whole.choices[0].message.content or ""
        with asked.stream(
            model=MODEL, max_tokens=TOKENS_MAX, messages=[{"role": "user", "content": ASKED}]
        ) as stream:
            return stream.get_final_completion().choices[0].message.content or ""


def _messages(proxy: Proxy, streams: bool) -> str:
    url = proxy.url.removesuffix("/v1")
    with Anthropic(base_url=url, api_key="unused", max_retries=0) as client:
        if not streams:
            message = client.messages.create(
                model=MODEL, max_tokens=TOKENS_MAX, messages=[{"role": "user", "content": ASKED}]
            )
        else:
            with client.messages.stream(
                model=MODEL, max_tokens=TOKENS_MAX, messages=[{"role": "user", "content": ASKED}]
            ) as stream:
                message = stream.get_final_message()
    return "".join(block.text for block in message.content if block.type == "text")


def _responses(proxy: Proxy, streams: bool) -> str:
    with OpenAI(base_url=proxy.url, api_key="unused", max_retries=0) as client:
        if not streams:
            return client.responses.create(model=MODEL, max_output_tokens=TOKENS_MAX, input=ASKED).output_text
        with client.responses.stream(model=MODEL, max_output_tokens=TOKENS_MAX, input=ASKED) as stream:
            return stream.get_final_response().output_text


SAID: Mapping[str, Callable[[Proxy, bool], str]] = {
    "openai": _chat,
    "anthropic": _messages,
    "responses": _responses,
}
