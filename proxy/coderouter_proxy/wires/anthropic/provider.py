"""Providers that speak the Anthropic wire: Anthropic itself, and local servers that offer its messages endpoint."""

from collections.abc import Mapping

from coderouter_events.events import Ingress
from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import Body, Call
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires import provider as dialect
from coderouter_proxy.wires.anthropic import client, request
from coderouter_proxy.wires.anthropic.reader import AnthropicReader
from coderouter_proxy.wires.deltas import Reader
from coderouter_proxy.wires.provider import Drop, ProviderWire

_TELLING_WORDS = (b"message_delta", b"message_st", b"event: error", b'"error"')
_FORWARDED = {b"anthropic-version": "anthropic-version", b"anthropic-beta": "anthropic-beta"}

_THINKING = ("thinking", "redacted_thinking")


class AnthropicProvider(ProviderWire):
    ingress: Ingress = "anthropic"
    passed_on = ("anthropic-ratelimit-", "anthropic-organization-id")
    end = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

    def url(self, provider: Provider) -> str:
        """Return the address; `base_url` may hold the version, as that of OpenAI providers does, or not."""
        return f"{provider.base_url.removesuffix('/v1')}/v1/messages"

    def models_url(self, provider: Provider) -> str:
        return f"{provider.base_url.removesuffix('/v1')}/v1/models?limit=1000"

    def headers(self, key: str) -> dict[str, str]:
        usual = {"anthropic-version": client.VERSION}
        return {**usual, "x-api-key": key} if key else usual

    def headers_of(self, call: Call) -> Mapping[str, str]:
        """Return the version and the beta flags, unchanged: a beta's header and its fields travel together."""
        if call.ingress != "anthropic":
            return {}
        return {
            name: call.headers[raw].decode("latin-1")
            for raw, name in _FORWARDED.items()
            if raw in call.headers
        }

    def request(self, call: Call, provider: Provider, profile: Profile, drop: Drop) -> Body:
        """Return the client's fields over `extra_body`, and the provider's own model over both."""
        if call.ingress == "anthropic":
            messages = _signed(call.body["messages"], drop)
            theirs = {**call.body, "messages": messages}
            if messages != call.body["messages"]:
                theirs = _with_thinking_only_where_it_may_go_on(theirs)
        else:
            theirs = request.request(call.body, drop)
        body: Body = {**provider.extra_body, **theirs, "model": provider.model or call.body.get("model")}
        body.pop("profile", None)
        if said := dialect.directive(provider, profile):
            body["system"] = _with_directive(body.get("system"), said)
        return body

    def second_request(self, body: Body, failure: ProviderError, drop: Drop) -> Body | None:
        """Return the request without thinking, where the provider does not accept a signature in it."""
        if failure.status != 400 or "signature" not in failure.message.lower():
            return None
        messages = [_without_thinking(message) for message in body["messages"]]
        if messages == body["messages"]:
            return None
        drop("thinking")
        return _with_thinking_only_where_it_may_go_on({**body, "messages": messages})

    def tells(self, whole: bytes) -> bool:
        return any(word in whole for word in _TELLING_WORDS)

    def ends(self, data: bytes) -> bool:
        return b'"message_stop"' in data and self.decoded(data).get("type") == "message_stop"

    def check(self, decoded: Body) -> None:
        error = decoded.get("error")
        if decoded.get("type") == "error" or error:
            kind = error.get("type") if isinstance(error, dict) else None
            raise dialect.reported(client.STATUSES.get(kind if isinstance(kind, str) else "", 500), decoded)

    def check_whole(self, decoded: Body) -> None:
        content = decoded.get("content")
        if not isinstance(content, list):
            raise ProviderError("protocol", "not the Anthropic wire: a JSON object without content")
        if not content and not decoded.get("stop_reason"):
            raise ProviderError("empty", "the answer has no content")

    def has_content(self, chunk: Body) -> bool:
        block = chunk.get("content_block")
        if isinstance(block, dict) and block.get("type") in ("text", "thinking"):
            return bool(block.get("text") or block.get("thinking"))  # an overloaded server may yet say so
        return chunk.get("type") in ("content_block_start", "content_block_delta", "message_delta")

    def note(self, answer: Answer, chunk: Body) -> None:
        match chunk.get("type"):
            case "message_start":
                message = chunk.get("message")
                client.note_usage(answer, message.get("usage") if isinstance(message, dict) else None)
            case "message_delta" | "message":
                client.note_usage(answer, chunk.get("usage"))
                delta = chunk.get("delta", chunk)
                if isinstance(delta, dict) and isinstance(reason := delta.get("stop_reason"), str):
                    answer.stop_reason = reason

    def reader(self) -> Reader:
        return AnthropicReader()


def _signed(messages: list[Body], drop: Drop) -> list[Body]:
    """Return the messages without thinking that carries no signature: it came from another vendor's model."""
    return [_without_thinking(message, drop) if _has_unsigned(message) else message for message in messages]


def _has_unsigned(message: Body) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(_is_unsigned(block) for block in content)


def _is_unsigned(block: object) -> bool:
    return isinstance(block, dict) and _type(block) == "thinking" and not block.get("signature")


def _without_thinking(message: Body, drop: Drop | None = None) -> Body:
    """Return the message without its thinking, or, where `drop` is told, without what is unsigned of it."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    if drop is not None:
        drop("thinking")
        kept = [block for block in content if not _is_unsigned(block)]
    else:
        kept = [block for block in content if _type(block) not in _THINKING]
    return {**message, "content": kept or [{"type": "text", "text": "…"}]}


def _with_thinking_only_where_it_may_go_on(body: Body) -> Body:
    """Return the body without `thinking` if it is answered amid a turn that no longer begins with thinking.

    Anthropic refuses that, where the thinking is of type `enabled`, and clearing thinking where there is none.
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
    asked, results = messages[-2].get("content"), messages[-1].get("content")
    answers = isinstance(results, list) and any(_type(block) == "tool_result" for block in results)
    first = asked[0] if answers and isinstance(asked, list) and asked else None
    return first if isinstance(first, dict) else None


def _type(block: object) -> object:
    return block.get("type") if isinstance(block, dict) else None


def _with_directive(system: object, said: str) -> object:
    if isinstance(system, list):
        return [*system, {"type": "text", "text": said}]
    if isinstance(system, str) and system:
        return f"{system}\n\n{said}"
    return system or said
