"""Providers that speak Chat Completions: llama.cpp, Ollama, vLLM, LM Studio, OpenRouter, OpenAI itself."""

import time
from typing import Any

from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.senders import session
from coderouter_proxy.wires import fitting, json_values, refusals, returned_state, state, system_text
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.deltas import Reader
from coderouter_proxy.wires.ids import new_id
from coderouter_proxy.wires.openai.answer_reader import OpenAIReader
from coderouter_proxy.wires.openai.answer_writer import DONE
from coderouter_proxy.wires.openai.api import OpenAIApi
from coderouter_proxy.wires.openai.fit import fit
from coderouter_proxy.wires.openai.other_form import streamed, writer_like
from coderouter_proxy.wires.openai.request_writer import VOCABULARY, write
from coderouter_proxy.wires.openai.shape import (
    CHUNK,
    COMPLETION,
    choices,
    has_envelope,
    is_plain_choice,
    is_plain_usage,
)
from coderouter_proxy.wires.openai.usage import usage_in
from coderouter_proxy.wires.provider import (
    Drop,
    by_hand,
    conversation_for,
    directive,
    own_fields,
)

__all__ = ["OpenAIProvider", "with_system"]

# In a chunk they hold something that the proxy must know.
_NOTEWORTHY = frozenset({"error", "timings", "x_groq", "cached_tokens"})


class OpenAIProvider(OpenAIApi):
    ingress = "openai"
    end_event = DONE

    def url(self, provider: Provider) -> str:
        return f"{provider.base_url}/chat/completions"

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
        body = own_fields(provider, request, theirs)
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
        if provider.slot_affinity_slots is not None and request.session is not None:
            body.setdefault("id_slot", session.slot(request.session, provider.slot_affinity_slots))
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
        conversation, effort = conversation_for(
            request,
            provider,
            traits,
            drop,
            VOCABULARY,
            own_api=own_api,
            returns_reasoning=traits.returns_reasoning,
        )
        body = write(conversation)
        if effort == "none" and traits.efforts is None:
            return body  # not every model can answer without thinking
        return body if effort is None else {**body, "reasoning_effort": fitting.own_level(effort, traits)}

    def is_plain(self, event: bytes, chunk: Body) -> bool:
        found = chunk.get("choices")
        if type(found) is not list or len(found) != 1 or chunk.get("usage") is not None:
            return False
        choice = found[0]
        return (
            type(choice) is dict
            and choice.get("finish_reason") is None
            and "error" not in choice
            and type(choice.get("index")) is int
            and type(delta := choice.get("delta")) is dict
            and type(delta.get("content", "")) is str
            and ((calls := delta.get("tool_calls")) is None or _are_objects(calls))
            and _NOTEWORTHY.isdisjoint(chunk)
            and has_envelope(chunk, CHUNK)
            and event.startswith(b"data: ")
        )

    def is_plain_whole(self, answer: Body) -> bool:
        found = answer.get("choices")
        return (
            type(found) is list
            and len(found) == 1
            and is_plain_choice(found[0])
            and has_envelope(answer, COMPLETION)
            and is_plain_usage(answer.get("usage"))
        )

    def delta(self, chunk: Body) -> Body:
        delta: Body = chunk["choices"][0]["delta"]
        return delta

    def is_framed(self, event: bytes, chunk: Body) -> bool:
        return event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2

    def is_end(self, data: bytes) -> bool:
        return data.lstrip(b' "').startswith(b"[DONE]")

    def raise_for_error(self, decoded: object) -> None:
        if error := refusals.reported(decoded, {}):
            raise error
        if not isinstance(decoded, dict):
            return
        found = choices(decoded)
        for place in (decoded.get("x_groq"), *found):  # OpenRouter's is in a choice
            inner = place.get("error") if isinstance(place, dict) else None
            if inner and (error := refusals.reported({"error": inner}, {})):
                raise error
        for choice in found:
            reason = choice.get("finish_reason")
            if isinstance(reason, str) and (stopped := refusals.stopped_by(reason)):
                raise stopped

    def names_stop(self, chunk: Body) -> bool:
        """Some servers do not have the field at all."""
        return any("finish_reason" in choice for choice in choices(chunk))

    def settled(self, chunk: Body) -> list[Body]:
        found = choices(chunk)
        if any("message" in choice and "delta" not in choice for choice in found):
            self.validate(chunk)
            return streamed(chunk)
        if any(choice.get("finish_reason") == "" for choice in found):
            kept = [{**each, "finish_reason": each.get("finish_reason") or None} for each in found]
            return [{**chunk, "choices": kept}]
        return [chunk]

    def writer_like(self, chunks: list[Body]) -> AnswerWriter:
        return writer_like(chunks)

    def saying(self, text: str, model: str) -> Body:
        message = {"role": "assistant", "content": text}
        return {
            "id": new_id("chatcmpl-"),
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        }

    def validate(self, decoded: Body) -> None:
        found = decoded.get("choices")
        if not isinstance(found, list):
            raise ProviderError("protocol", "not the OpenAI wire: a JSON object without choices")
        if not found or not isinstance(found[0], dict):
            raise ProviderError("empty", "the answer has no choices")
        if found[0].get("finish_reason") == "":
            raise ProviderError("protocol", "the answer was cut: its finish_reason is empty")

    def has_content(self, chunk: Body) -> bool:
        for choice in choices(chunk):
            delta = choice.get("delta")
            if choice.get("finish_reason") or choice.get("text"):
                return True
            if isinstance(delta, dict) and any(value for key, value in delta.items() if key != "role"):
                return True
        return False

    def usage(self, chunk: Body, before: Usage) -> Usage:
        return usage_in(chunk, before)

    def stop_reason(self, chunk: Body) -> str | None:
        found = None
        for choice in choices(chunk):
            if isinstance(reason := choice.get("finish_reason"), str) and reason:
                found = reason
        return found

    def event(self, chunk: Body) -> bytes:
        return b"data: %b\n\n" % json_values.encoded(chunk, retryable=True)

    def reader(self) -> Reader:
        return OpenAIReader()


def _are_objects(values: object) -> bool:
    return type(values) is list and all(type(value) is dict for value in values)


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
