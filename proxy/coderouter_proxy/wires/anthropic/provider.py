"""Providers that speak Messages: Anthropic itself, and local servers that offer its endpoint."""

from collections.abc import Mapping

from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.wires import json_values, refusals, returned_state, state
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.anthropic import others
from coderouter_proxy.wires.anthropic.answer_reader import AnthropicReader
from coderouter_proxy.wires.anthropic.answer_writer import event
from coderouter_proxy.wires.anthropic.client import STATUSES, VERSION
from coderouter_proxy.wires.anthropic.fit import fit
from coderouter_proxy.wires.anthropic.other_form import streamed, writer_like
from coderouter_proxy.wires.anthropic.request_writer import MAX_TOKENS, VOCABULARY, write
from coderouter_proxy.wires.anthropic.shape import TEXT_FIELDS, as_message, empty_message
from coderouter_proxy.wires.anthropic.usage import usage_in
from coderouter_proxy.wires.deltas import Reader
from coderouter_proxy.wires.ids import new_id
from coderouter_proxy.wires.provider import (
    Drop,
    ProviderWire,
    by_hand,
    conversation_for,
    directive,
    own_fields,
)

_CONTENT = b"event: content_block_delta\ndata: "
_FORWARDED = {b"anthropic-version": "anthropic-version", b"anthropic-beta": "anthropic-beta"}
_THINKING = ("thinking", "redacted_thinking")


class AnthropicProvider(ProviderWire):
    ingress = "anthropic"
    vendor_host = "api.anthropic.com"
    requires_max_tokens = True
    thinks_on_request = True
    forwarded_response_headers = ("anthropic-ratelimit-", "anthropic-organization-id")
    end_event = event("message_stop", {})

    def repairs_text_calls(self, provider: Provider) -> bool:
        return not self.is_vendors_own(provider)

    def url(self, provider: Provider) -> str:
        """Return the URL; `base_url` may end with the version, as for OpenAI providers, or not."""
        return f"{provider.base_url.removesuffix('/v1')}/v1/messages"

    def models_url(self, provider: Provider) -> str:
        return f"{provider.base_url.removesuffix('/v1')}/v1/models?limit=1000"

    def count_tokens_url(self, provider: Provider) -> str | None:
        return f"{self.url(provider)}/count_tokens"

    def headers(self, key: str) -> dict[str, str]:
        usual = {"anthropic-version": VERSION}
        return {**usual, "x-api-key": key} if key else usual

    def forwarded_request_headers(self, request: ClientRequest) -> Mapping[str, str]:
        """Return the version and the beta flags, unchanged: a beta's header and its fields travel together."""
        if request.ingress != self.ingress:
            return {}
        return {
            name: request.headers[raw].decode("latin-1")
            for raw, name in _FORWARDED.items()
            if raw in request.headers
        }

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
        given = request.body
        if request.ingress == self.ingress:
            own_api = self.is_vendors_own(provider)
            taken = given if own_api else others.fitted(given, drop, settled=False)
            returned = taken["messages"]
            if state.RAW_MARK in request.raw:
                returned = returned_state.without_state(returned)
            messages = _without_unsigned_thinking(returned, drop)
            theirs = {**taken, "messages": messages}
            if messages != taken["messages"]:
                theirs = _drop_thinking_unless_turn_has_it(theirs)
        else:
            theirs = self._translated(request, provider, traits, drop, own_api=self.is_vendors_own(provider))
        body = own_fields(provider, request, theirs)
        if text := directive(provider, profile):
            body["system"] = _with_directive(body.get("system"), text)
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
            request, provider, traits, drop, VOCABULARY, own_api=own_api, returns_reasoning=False
        )
        limit = provider.extra_body.get("max_tokens") or traits.max_output_tokens or MAX_TOKENS
        body = write(conversation, limit)
        if effort is not None and effort != "none":  # thinking is off unless a request turns it on
            given = body.get("output_config")
            config = given if isinstance(given, dict) else {}
            level = "low" if effort == "minimal" else effort
            body["output_config"] = {"effort": level, **config}
        fitting_turn = _drop_thinking_unless_turn_has_it(body)
        if fitting_turn is not body:
            drop("thinking")
        return fitting_turn

    def degraded_retry(self, body: Body, error: ProviderError, drop: Drop) -> Body | None:
        """Return the request without thinking, if the provider rejected a signature in it."""
        if error.status != 400 or "signature" not in error.message.lower():
            return None
        messages = [_without_thinking(message) for message in body["messages"]]
        if messages == body["messages"]:
            return None
        drop("thinking")
        return _drop_thinking_unless_turn_has_it({**body, "messages": messages})

    def is_plain(self, event: bytes, chunk: Body) -> bool:
        return (
            event.startswith(_CONTENT)
            and chunk.get("type") == "content_block_delta"
            and type(delta := chunk.get("delta")) is dict
            and len(delta) == 2
            and type(kind := delta.get("type")) is str
            and type(delta.get(TEXT_FIELDS.get(kind))) is str
            and "error" not in chunk
        )

    def delta(self, chunk: Body) -> Body:
        delta: Body = chunk["delta"]
        return delta

    def is_framed(self, event: bytes, chunk: Body) -> bool:
        """Return whether the event is named as its data are: the SDKs skip one without a name."""
        name, _, data = event.removeprefix(b"event: ").partition(b"\n")
        return (
            data.startswith(b"data: ")
            and data.find(b"\n") == len(data) - 2
            and name.decode("latin-1") == chunk.get("type")
        )

    def is_end(self, data: bytes) -> bool:
        if data.startswith(b"[DONE]"):  # of gateways that speak Chat Completions to others
            return True
        return b'"message_stop"' in data and self.decoded(data).get("type") == "message_stop"

    def raise_for_error(self, decoded: object) -> None:
        if error := refusals.reported(decoded, STATUSES):
            raise error
        reason = self.stop_reason(decoded) if isinstance(decoded, dict) else None
        if reason is not None and (stopped := refusals.stopped_by(reason)):
            raise stopped

    def read(self, data: bytes) -> tuple[Body, bool]:
        decoded, exact = super().read(data)
        message = as_message(decoded)
        return message, exact and message is decoded

    def names_stop(self, chunk: Body) -> bool:
        return True

    def settled(self, chunk: Body) -> list[Body]:
        if "content" in chunk and (chunk := as_message(chunk)).get("type") == "message":
            self.validate(chunk)
            return streamed(chunk)
        delta = chunk.get("delta")
        if isinstance(delta, dict) and delta.get("stop_reason") == "":
            return [{**chunk, "delta": {**delta, "stop_reason": None}}]
        return [chunk]

    def writer_like(self, chunks: list[Body]) -> AnswerWriter:
        return writer_like(chunks)

    def saying(self, text: str, model: str) -> Body:
        said = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
        return empty_message(new_id("msg_"), model) | said

    def validate(self, decoded: Body) -> None:
        content = decoded.get("content")
        if not isinstance(content, list):
            raise ProviderError("protocol", "not the Anthropic wire: a JSON object without content")
        if not content and not decoded.get("stop_reason"):
            raise ProviderError("empty", "the answer has no content")
        if decoded.get("stop_reason") == "":
            raise ProviderError("protocol", "the answer was cut: its stop_reason is empty")

    def has_content(self, chunk: Body) -> bool:
        block = chunk.get("content_block")
        if isinstance(block, dict) and block.get("type") in ("text", "thinking"):
            # An empty block is not content yet: an overloaded server may still report an error.
            return bool(block.get("text") or block.get("thinking"))
        return chunk.get("type") in ("content_block_start", "content_block_delta", "message_delta")

    def usage(self, chunk: Body, before: Usage) -> Usage:
        return usage_in(chunk, before)

    def stop_reason(self, chunk: Body) -> str | None:
        if chunk.get("type") not in ("message_delta", "message"):
            return None
        delta = chunk.get("delta", chunk)
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        return reason if isinstance(reason, str) and reason else None

    def event(self, chunk: Body) -> bytes:
        kind = json_values.words(chunk.get("type"))
        name = kind if kind.isidentifier() else "unknown"  # a line break in it would end the line
        data = json_values.encoded(chunk, retryable=True)
        return b"event: %b\ndata: %b\n\n" % (name.encode(), data)

    def reader(self) -> Reader:
        return AnthropicReader()


def _without_unsigned_thinking(messages: list[Body], drop: Drop) -> list[Body]:
    """Return the messages without unsigned thinking, which came from another vendor's model."""
    return [_without_thinking(message, drop) if _has_unsigned(message) else message for message in messages]


def _has_unsigned(message: Body) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(_is_unsigned(block) for block in content)


def _is_unsigned(block: object) -> bool:
    return isinstance(block, dict) and _type(block) == "thinking" and not block.get("signature")


def _without_thinking(message: Body, drop: Drop | None = None) -> Body:
    """Return the message without its thinking; with a `drop`, only without unsigned thinking."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    if drop is not None:
        drop("thinking")
        kept = [block for block in content if not _is_unsigned(block)]
    else:
        kept = [block for block in content if _type(block) not in _THINKING]
    return {**message, "content": kept or [{"type": "text", "text": "…"}]}


def _drop_thinking_unless_turn_has_it(body: Body) -> Body:
    """Return the body without `thinking` if the answer continues a turn that no longer starts with thinking.

    Anthropic rejects that if the thinking is of type `enabled`, and it rejects clearing thinking that does not exist.
    """
    thinking, turn = body.get("thinking"), _newest_turn(body["messages"])
    kept = turn is None or turn.get("type") in _THINKING
    if kept or not isinstance(thinking, dict) or thinking.get("type") != "enabled":
        return body
    plain = {name: value for name, value in body.items() if name != "thinking"}
    management = body.get("context_management")
    if isinstance(management, dict) and isinstance(edits := management.get("edits"), list):
        left = [edit for edit in edits if not json_values.words(_type(edit)).startswith("clear_thinking")]
        plain["context_management"] = {**management, "edits": left}
    return plain


def _newest_turn(messages: list[Body]) -> Body | None:
    """Return the first block of the assistant message that the last message answers with tool results."""
    if len(messages) < 2:
        return None
    called, results = messages[-2].get("content"), messages[-1].get("content")
    answers = isinstance(results, list) and any(_type(block) == "tool_result" for block in results)
    first = called[0] if answers and isinstance(called, list) and called else None
    return first if isinstance(first, dict) else None


def _type(block: object) -> object:
    return block.get("type") if isinstance(block, dict) else None


def _with_directive(system: object, text: str) -> object:
    if isinstance(system, list):
        return [*system, {"type": "text", "text": text}]
    if isinstance(system, str) and system:
        return f"{system}\n\n{text}"
    return system or text
