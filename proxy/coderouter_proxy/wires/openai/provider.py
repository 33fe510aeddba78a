"""Providers that speak Chat Completions: llama.cpp, Ollama, vLLM, LM Studio, OpenRouter, OpenAI itself."""

import re
from typing import Any

import orjson

from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.wires import fitting, refusals, returned_state, state, system_text
from coderouter_proxy.wires.deltas import Reader
from coderouter_proxy.wires.losses import losses
from coderouter_proxy.wires.openai.answer_reader import OpenAIReader
from coderouter_proxy.wires.openai.answer_writer import DONE
from coderouter_proxy.wires.openai.fit import fit
from coderouter_proxy.wires.openai.request_writer import VOCABULARY, write
from coderouter_proxy.wires.provider import (
    Drop,
    ProviderWire,
    by_hand,
    conversation_for,
    count,
    directive,
)

# Searching for the words is fast; the expression rules out fields that are null.
_WORDS_TO_PARSE = (b'"finish_reason":"', b'"finish_reason": "', b'"usage"', b'"error"', b"[DONE]")
_TO_PARSE = re.compile(rb'"usage"\s*:\s*\{|"error"\s*:|"finish_reason"\s*:\s*"|\[DONE\]')


class OpenAIProvider(ProviderWire):
    ingress = "openai"
    vendor_host = "api.openai.com"
    requires_max_tokens = False
    thinks_on_request = False
    repairs_text_calls = True
    forwarded_response_headers = ("x-ratelimit-",)
    end_event = DONE

    def url(self, provider: Provider) -> str:
        return f"{provider.base_url}/chat/completions"

    def models_url(self, provider: Provider) -> str:
        return f"{provider.base_url}/models"

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def request(
        self,
        request: ClientRequest,
        provider: Provider,
        profile: Profile,
        traits: ProviderTraits,
        drop: Drop,
    ) -> Body:
        """Return the client's fields over `extra_body`, and the provider's own model over both, fitted to its traits.

        `set_params` are over all of them, and `drop_params` are left out last.
        """
        if request.ingress == self.ingress:
            theirs = request.body
        else:
            theirs = self._translated(request, provider, traits, drop, own_api=self.is_vendors_own(provider))
        body: Body = {**provider.extra_body, **theirs, "model": provider.model or request.body.get("model")}
        body.pop("profile", None)
        if request.ingress == self.ingress and state.RAW_MARK in request.raw:
            body["messages"] = returned_state.restored(
                body["messages"], state.origin_of(provider), returns_reasoning=traits.returns_reasoning
            )
        messages = with_system(body["messages"], directive(provider, profile))
        body["messages"] = returned_state.with_required_state(messages, traits)
        if request.stream:
            options = body.get("stream_options")
            body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        else:
            body.pop("stream", None)
            body.pop("stream_options", None)
        return by_hand(fit(body, traits, drop), provider, drop)

    def _translated(
        self,
        request: ClientRequest,
        provider: Provider,
        traits: ProviderTraits,
        drop: Drop,
        *,
        own_api: bool,
    ) -> Body:
        conversation = conversation_for(request, provider, drop, returns_reasoning=traits.returns_reasoning)
        effort = conversation.effort if fitting.takes_effort(traits, own_api=own_api) else None
        for name in losses(conversation, VOCABULARY, takes_effort=effort is not None):
            drop(name)
        body = write(conversation)
        if effort == "none" and traits.efforts is None:
            return body  # not every model can answer without thinking
        return body if effort is None else {**body, "reasoning_effort": _own_level(effort, traits)}

    def needs_parsing(self, events: bytes) -> bool:
        for word in _WORDS_TO_PARSE:
            if word in events:
                return _TO_PARSE.search(events) is not None
        return False

    def is_end(self, data: bytes) -> bool:
        return data.startswith(b"[DONE]")

    def raise_for_error(self, decoded: Body) -> None:
        if error := decoded.get("error"):
            code = error.get("code") if isinstance(error, dict) else None
            status = code if isinstance(code, int) and 400 <= code <= 599 else 500
            raise refusals.by_status(status, refusals.message_in(decoded))

    def validate(self, decoded: Body) -> None:
        found = decoded.get("choices")
        if not isinstance(found, list):
            raise ProviderError("protocol", "not the OpenAI wire: a JSON object without choices")
        if not found or not isinstance(found[0], dict):
            raise ProviderError("empty", "the answer has no choices")

    def has_content(self, chunk: Body) -> bool:
        for choice in choices(chunk):
            delta = choice.get("delta")
            if choice.get("finish_reason") or choice.get("text"):
                return True
            if isinstance(delta, dict) and any(value for key, value in delta.items() if key != "role"):
                return True
        return False

    def usage(self, chunk: Body, before: Usage) -> Usage:
        """Return the latest report; its input tokens exclude cached ones, which OpenAI includes."""
        reported = chunk.get("usage")
        if not isinstance(reported, dict) or not reported:
            return before
        prompt, completion = count(reported, "prompt_tokens"), count(reported, "completion_tokens")
        details = reported.get("prompt_tokens_details")
        cached, written = count(details, "cached_tokens"), count(details, "cache_write_tokens")
        return Usage(
            before.input_tokens if prompt is None else max(0, prompt - (cached or 0) - (written or 0)),
            before.output_tokens if completion is None else completion,
            cached,
            written,
            count(reported.get("completion_tokens_details"), "reasoning_tokens"),
        )

    def stop_reason(self, chunk: Body) -> str | None:
        found = None
        for choice in choices(chunk):
            if isinstance(reason := choice.get("finish_reason"), str):
                found = reason
        return found

    def event(self, chunk: Body) -> bytes:
        return b"data: %b\n\n" % orjson.dumps(chunk)

    def reader(self) -> Reader:
        return OpenAIReader()


def _own_level(effort: str, traits: ProviderTraits) -> str:
    """Return the level; the highest is OpenAI's own where nothing more is known of the model."""
    return "xhigh" if effort == "max" and traits.efforts is None else effort


def choices(chunk: Body) -> list[dict[str, Any]]:
    """Return the choices of a chunk or a completion that are objects."""
    found = chunk.get("choices")
    return [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []


def with_system(messages: list[Any], text: str | None) -> list[Any]:
    """Return the messages with the text at the end of the leading system message, or as a new first one."""
    if not text:
        return messages
    leading, others = system_text.leading(messages)
    if not leading:
        return [{"role": "system", "content": text}, *others]
    message = leading[-1]
    content = message.get("content")
    if isinstance(content, list):
        extended: Any = [*content, {"type": "text", "text": text}]
    elif isinstance(content, str) and content:
        extended = f"{content}\n\n{text}"
    else:
        extended = content or text
    return [*leading[:-1], {**message, "content": extended}, *others]
