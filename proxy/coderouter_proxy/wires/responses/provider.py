"""Providers that speak Responses: OpenAI itself, and llama.cpp, vLLM, Ollama, LM Studio."""

import time
from typing import Final

from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.wires import fitting, json_values, refusal_words, refusals, state
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.clients import RESPONSES
from coderouter_proxy.wires.deltas import Reader
from coderouter_proxy.wires.ids import new_id
from coderouter_proxy.wires.openai.api import OpenAIApi
from coderouter_proxy.wires.openai.usage import usage_in
from coderouter_proxy.wires.provider import (
    Drop,
    by_hand,
    conversation_for,
    directive,
    own_fields,
)
from coderouter_proxy.wires.responses import others, shape
from coderouter_proxy.wires.responses.answer_reader import ResponsesReader
from coderouter_proxy.wires.responses.fit import fit
from coderouter_proxy.wires.responses.other_form import collected, streamed, writer_like
from coderouter_proxy.wires.responses.references import for_provider
from coderouter_proxy.wires.responses.request_writer import VOCABULARY, write
from coderouter_proxy.wires.responses.response import completed
from coderouter_proxy.wires.responses.returned_items import restored, without_sealed

STATUSES: Final = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
    "invalid_request_error": 400,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "server_error": 500,
}
"""By the codes of a response that failed."""


class ResponsesProvider(OpenAIApi):
    ingress = "responses"
    end_event = b""

    def repairs_text_calls(self, provider: Provider) -> bool:
        return not self.is_vendors_own(provider)

    def url(self, provider: Provider) -> str:
        return f"{provider.base_url}/responses"

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
        own_api = self.is_vendors_own(provider)
        if request.ingress == self.ingress:
            theirs = _returned(request, provider, traits, own_api=own_api)
            theirs = theirs if own_api else others.fitted(theirs, drop)
        else:
            theirs = _translated(request, provider, traits, drop, own_api=own_api)
        body = own_fields(provider, request, theirs)
        if text := directive(provider, profile):
            given = body.get("instructions")
            body["instructions"] = f"{given}\n\n{text}" if isinstance(given, str) and given else text
        if not request.stream:
            body.pop("stream", None)
        return by_hand(fit(body, traits, drop), provider, drop)

    def degraded_retry(self, body: Body, error: ProviderError, drop: Drop) -> Body | None:
        """Return the request without sealed reasoning, if the provider could not read it: another one made it."""
        items = body.get("input")
        if error.status != 400 or "encrypted" not in error.message.lower() or not isinstance(items, list):
            return None
        kept = without_sealed(items)
        if len(kept) == len(items):
            return None
        drop("thinking")
        return {**body, "input": kept}

    def is_plain(self, event: bytes, chunk: Body) -> bool:
        kind = chunk.get("type")
        return (
            type(kind) is str
            and kind in shape.TEXTS
            and type(chunk.get("delta")) is str
            and type(chunk.get("output_index")) is int
            and type(chunk.get("item_id")) is str
            and event.startswith(b"event: %b\ndata: " % kind.encode())
            and "error" not in chunk
        )

    def delta(self, chunk: Body) -> Body:
        return {"delta": chunk["delta"]}

    def is_framed(self, event: bytes, chunk: Body) -> bool:
        """Return whether the event is named as its data are: some SDKs go by the name."""
        name, _, data = event.removeprefix(b"event: ").partition(b"\n")
        return (
            data.startswith(b"data: ")
            and data.find(b"\n") == len(data) - 2
            and name.decode("latin-1") == chunk.get("type")
        )

    def is_end(self, data: bytes) -> bool:
        return data.startswith(b"[DONE]")

    def ends(self, chunk: Body) -> bool:
        return json_values.words(chunk.get("type")) in shape.LAST

    def is_ping(self, chunk: Body) -> bool:
        return chunk.get("type") in ("ping", "keepalive")

    def raise_for_error(self, decoded: object) -> None:
        kind, response = "", {}
        if isinstance(decoded, dict):
            kind, response = json_values.words(decoded.get("type")), shape.response_in(decoded)
            if error := response.get("error"):
                _raise(error)
            if kind == "error":
                _raise(decoded)
            reason = self.stop_reason(decoded) if response else None
            if reason is not None and (stopped := refusals.stopped_by(reason)):
                raise stopped
        if reported := refusals.reported(decoded, STATUSES):
            raise reported
        for status in ("failed", "cancelled"):
            if response.get("status") == status or kind == f"response.{status}":
                raise ProviderError("upstream_5xx", f"the response is {status}")

    def names_stop(self, chunk: Body) -> bool:
        return True

    def settled(self, chunk: Body) -> list[Body]:
        if "type" not in chunk and "output" in chunk:
            self.validate(chunk)
            return streamed(chunk)
        return [chunk]

    def collected(self, chunks: list[Body], usage: Usage) -> Body:
        return collected(chunks) or super().collected(chunks, usage)

    def writer_like(self, chunks: list[Body]) -> AnswerWriter:
        return writer_like(chunks)

    def saying(self, text: str, model: str) -> Body:
        response_id = new_id("resp_")
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        message = {
            "type": "message",
            "id": f"msg_{response_id}",
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
        return completed(response_id, model, [message], None, created_at=int(time.time()))

    def validate(self, decoded: Body) -> None:
        output = decoded.get("output")
        if not isinstance(output, list):
            raise ProviderError("protocol", "not the Responses wire: a JSON object without output")
        status = decoded.get("status")
        if isinstance(status, str) and status not in shape.STATUSES:
            raise ProviderError("protocol", f"the response is not complete: its status is {status[:20]!r}")
        if not output and status != "incomplete":
            raise ProviderError("empty", "the response has no output")

    def has_content(self, chunk: Body) -> bool:
        kind = json_values.words(chunk.get("type"))
        if kind in shape.TEXTS:
            return bool(chunk.get("delta"))
        if kind == "response.output_item.added":
            item = chunk.get("item")
            return isinstance(item, dict) and item.get("type") not in ("message", "reasoning")
        return kind == "response.output_item.done" or kind in shape.LAST

    def usage(self, chunk: Body, before: Usage) -> Usage:
        response = shape.response_in(chunk)
        return usage_in(response, before) if response.get("usage") or "timings" in response else before

    def stop_reason(self, chunk: Body) -> str | None:
        kind, response = chunk.get("type"), shape.response_in(chunk)
        if json_values.words(kind) not in shape.LAST and ("type" in chunk or not response):
            return None
        details = response.get("incomplete_details")
        reason = json_values.words(details.get("reason")) if isinstance(details, dict) else ""
        status = json_values.words(response.get("status")) or json_values.words(kind).removeprefix(
            "response."
        )
        return reason or status or "completed"

    def event(self, chunk: Body) -> bytes:
        kind = json_values.words(chunk.get("type"))
        name = kind if kind.replace(".", "_").isidentifier() else "unknown"
        return b"event: %b\ndata: %b\n\n" % (name.encode(), json_values.encoded(chunk, retryable=True))

    def reader(self) -> Reader:
        return ResponsesReader()


def _returned(request: ClientRequest, provider: Provider, traits: ProviderTraits, *, own_api: bool) -> Body:
    """Return the client's request with what this provider made as it made it."""
    origin = state.origin_of(provider)
    given = for_provider(request, RESPONSES.memory, origin)
    listed = given.get("input")
    if not isinstance(listed, list):
        return given
    items = restored(listed, origin, own_api=own_api, returns_reasoning=traits.returns_reasoning)
    return {**given, "input": list(items)}


def _translated(
    request: ClientRequest, provider: Provider, traits: ProviderTraits, drop: Drop, *, own_api: bool
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
    body = write(conversation, own_api=own_api)
    if effort is None or (effort == "none" and traits.efforts is None):
        return body  # not every model can answer without thinking
    return {**body, "reasoning": {"effort": fitting.own_level(effort, traits)}}


def _raise(given: object) -> None:
    error: Body = given if isinstance(given, dict) else {"message": given}
    inner = error.get("error")
    known = inner if isinstance(inner, dict) else error
    code = json_values.words(known.get("code")) or json_values.words(known.get("type"))
    if code in STATUSES:
        message = refusal_words.message_in(known)
        raise refusals.by_status(STATUSES[code], message or code, too_long=code == "context_length_exceeded")
    found = refusals.reported({"error": known}, {})
    if found is not None:
        raise found
