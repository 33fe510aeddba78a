"""Opaque state of a vendor that has to come back with the next request, inside what the client returns.

Gemini refuses a call without the `thought_signature` that came with it, DeepSeek a turn without its
`reasoning_content`; OpenRouter has `reasoning_details` and Anthropic signed thinking. Clients of another wire have no
field for them, but every client returns tool-call ids, and on the Anthropic wire the signature of thinking. So the
state is part of these. Nothing is kept in memory: it survives a restart, other workers, and answers of other providers
in between.

An id with state is `<id>_crs_<payload>`, a signature `crs_<payload>`. The payload names the provider that made the
state; only that provider gets it back. No provider ever gets an id with a payload.
"""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.request import Body

STATE_BYTES_MAX: Final = 16 * 1024
"""Of JSON, before it is compressed; what is longer is left out."""

SIGNATURE_PREFIX: Final = "crs_"
MARK: Final = f"_{SIGNATURE_PREFIX}"
RAW_MARK: Final = SIGNATURE_PREFIX.encode()
"""A request without these bytes holds no state."""

REASONING: Final = ("reasoning_content", "reasoning")
OPENAI_FIELDS: Final = (*REASONING, "reasoning_details", "extra_content")
"""Fields of an assistant message that may hold state."""
THINKING: Final = "thinking"
"""What Anthropic's blocks of thinking are called in the state of a turn."""

# https://ai.google.dev/gemini-api/docs/thought-signatures: for calls that Gemini did not make.
NO_SIGNATURE: Final = "skip_thought_signature_validator"

_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_-]")
_PAYLOAD_CHARS_MAX = 4 * STATE_BYTES_MAX
_ORIGIN_BYTES = 6
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class State:
    """What the provider of this origin has to get back: fields of a tool call and of the assistant message."""

    origin: str
    call: Body = field(default_factory=dict)
    turn: Body = field(default_factory=dict)


@lru_cache(maxsize=1024)
def _fingerprint(*parts: str) -> str:
    return hashlib.blake2s("\n".join(parts).encode(), digest_size=_ORIGIN_BYTES).hexdigest()


def origin_of(provider: Provider) -> str:
    """Return a short fingerprint of the provider; its name is not part of it."""
    return _fingerprint(provider.kind, provider.base_url, provider.model)


def encode_id(own: str, state: State | None) -> str:
    """Return an id for the client that holds the provider's own id and the state, of letters, digits, `_` and `-`.

    An id without state is returned unchanged, unless it would be mistaken for one with state.
    """
    if state is None and MARK not in own:
        return own
    plain = _NOT_IN_ID.sub("_", own).replace(MARK[:-1], "-crs")
    for fields in _smaller(state):
        if plain != own:
            fields["i"] = own
        if (payload := _encoded(fields)) is not None:
            return f"{plain}{MARK}{payload}"
    return plain


def decode_id(given: str) -> tuple[str, State | None]:
    """Return the provider's own id and the state; of a damaged payload, the id alone."""
    plain, mark, payload = given.partition(MARK)
    if not mark:
        return given, None
    fields = _decoded(payload)
    if fields is None:
        return plain or f"call_{_digest(given)}", None
    own = fields.get("i", plain)
    return (own if isinstance(own, str) else plain), _state(fields)


def sign(origin: str, name: str, text: str, turn: Body) -> str:
    """Return a signature for reasoning in the field `name`, with more state of its turn."""
    fields: Body = {"o": origin, "f": name, "h": _digest(text)}
    return f"{SIGNATURE_PREFIX}{_encoded({**fields, 't': turn}) or _encoded(fields)}"


def is_ours(signature: object) -> bool:
    """Return whether a signature comes from `sign`: it means nothing to Anthropic."""
    return isinstance(signature, str) and signature.startswith(SIGNATURE_PREFIX)


def signed(signature: str, text: str) -> State | None:
    """Return the state of reasoning and its signature; None if it is not ours, damaged, or of another text."""
    if not is_ours(signature):
        return None
    fields = _decoded(signature.removeprefix(SIGNATURE_PREFIX))
    if fields is None or fields.get("h") != _digest(text) or fields.get("f") not in REASONING:
        return None
    state = _state(fields)
    return None if state is None else State(state.origin, turn={fields["f"]: text, **state.turn})


def for_provider(state: State | None, origin: str, *, returns_reasoning: bool) -> State | None:
    """Return what the provider of this origin gets of a state: all of its own, of others the reasoning at most."""
    if state is None or state.origin == origin:
        return state
    reasoning = state.turn.get(REASONING[0]) or state.turn.get(REASONING[1])
    if not returns_reasoning or not isinstance(reasoning, str):
        return None
    return State(origin, turn={REASONING[0]: reasoning})


def joined(turns: Iterable[Body]) -> Body:
    """Return the fields of a message whose parts have these: texts and lists one after another."""
    message: Body = {}
    for turn in turns:
        for name, value in turn.items():
            before = message.get(name)
            if isinstance(before, str) and isinstance(value, str):
                message[name] = before + value
            elif isinstance(before, list) and isinstance(value, list):
                message[name] = [*before, *value]
            else:
                message[name] = value
    return message


def restored(messages: Sequence[Body], origin: str, *, returns_reasoning: bool) -> list[Body]:
    """Return chat messages as the provider of this origin made them: with its own ids and state, none of others."""
    return [_restored(message, origin, returns_reasoning=returns_reasoning) for message in messages]


def without_state(messages: Sequence[Body]) -> list[Body]:
    """Return messages of the Anthropic wire with plain ids, and with reasoning of other vendors unsigned."""
    return [
        {**message, "content": [_plain_block(block) for block in content]}
        if isinstance(content := message.get("content"), list)
        else message
        for message in messages
    ]


def with_required_state(messages: list[Body], traits: ProviderTraits) -> list[Body]:
    """Return chat messages with what the provider's documentation offers where state is required and missing.

    Only Gemini's first call of a message needs a signature. DeepSeek wants the field in all assistant messages once
    there are calls, and takes an empty one.
    """
    if traits.thought_signatures:
        messages = list(map(_with_signature, messages))
    if traits.returns_reasoning and any(message.get("tool_calls") for message in messages):
        messages = [
            {**message, "reasoning_content": ""}
            if message.get("role") == "assistant" and not isinstance(message.get("reasoning_content"), str)
            else message
            for message in messages
        ]
    return messages


def _smaller(state: State | None) -> Iterable[Body]:
    """Yield the fields of a payload with less and less of the state."""
    if state is None:
        yield {}
        return
    fields: Body = {"o": state.origin}
    call: Body = {"c": state.call} if state.call else {}
    short = {name: value for name, value in state.turn.items() if name != "reasoning_details"}
    if state.turn:
        yield {**fields, **call, "t": state.turn}
        yield {**fields, **call, "t": short}
    yield {**fields, **call}
    yield fields


def _encoded(fields: Body) -> str | None:
    """Return the payload; None if it is too long or is not JSON that can be written."""
    try:
        data = orjson.dumps(fields)
    except orjson.JSONEncodeError:
        return None
    if len(data) > STATE_BYTES_MAX:
        return None
    return base64.urlsafe_b64encode(zlib.compress(data)).rstrip(b"=").decode()


def _decoded(payload: str) -> Body | None:
    """Return the fields; None if the payload is damaged, which its checksum shows."""
    if len(payload) > _PAYLOAD_CHARS_MAX:
        return None
    inflating = zlib.decompressobj()
    try:
        data = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        fields = orjson.loads(inflating.decompress(data, STATE_BYTES_MAX))
    except (ValueError, binascii.Error, zlib.error):
        return None
    return fields if inflating.eof and isinstance(fields, dict) else None


def _state(fields: Body) -> State | None:
    origin, call, turn = fields.get("o"), fields.get("c", {}), fields.get("t", {})
    if not isinstance(origin, str) or not isinstance(call, dict) or not isinstance(turn, dict):
        return None
    return State(origin, call, turn)


def _digest(text: str) -> str:
    return hashlib.blake2s(
        text.strip().encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES
    ).hexdigest()


def _restored(message: Body, origin: str, *, returns_reasoning: bool) -> Body:
    call_id, calls = message.get("tool_call_id"), message.get("tool_calls")
    if isinstance(call_id, str):
        message = {**message, "tool_call_id": decode_id(call_id)[0]}
    if not isinstance(calls, list):
        return message
    plain: list[Any] = []
    states: list[State] = []
    for call in calls:
        own, of_call = _restored_call(call, origin)
        plain.append(own)
        states += [of_call] if of_call is not None else []
    message = {**message, "tool_calls": plain}
    if any(of_call.origin != origin for of_call in states):
        foreign = OPENAI_FIELDS[1:] if returns_reasoning else OPENAI_FIELDS
        message = {name: value for name, value in message.items() if name not in foreign}
    own_states = [for_provider(each, origin, returns_reasoning=returns_reasoning) for each in states]
    back = openai_fields(joined(each.turn for each in own_states if each is not None))
    return {**message, **{name: value for name, value in back.items() if not message.get(name)}}


def _restored_call(call: Any, origin: str) -> tuple[Any, State | None]:  # noqa: ANN401 - of a client
    if not isinstance(call, dict) or not isinstance(given := call.get("id"), str):
        return call, None
    own, of_call = decode_id(given)
    fields = {**call, "id": own}
    if of_call is None:
        return fields, None
    if of_call.origin == origin:
        fields |= {name: value for name, value in of_call.call.items() if not call.get(name)}
    else:
        fields.pop("extra_content", None)
    return fields, of_call


def openai_fields(turn: Body) -> Body:
    """Return what of a turn's state is a field of a chat message."""
    return {name: turn[name] for name in OPENAI_FIELDS if name in turn}


def _plain_block(block: Any) -> Any:  # noqa: ANN401 - of a client
    if not isinstance(block, dict):
        return block
    for name in ("id", "tool_use_id"):
        if isinstance(given := block.get(name), str) and MARK in given:
            return {**block, name: _NOT_IN_ID.sub("_", decode_id(given)[0])}
    if block.get("type") == "thinking" and is_ours(block.get("signature")):
        return {**block, "signature": ""}
    return block


def _with_signature(message: Body) -> Body:
    calls = message.get("tool_calls")
    if not isinstance(calls, list) or not calls or any(map(_has_signature, calls)):
        return message
    first, *others = calls
    if not isinstance(first, dict):
        return message
    extra: Body = {"google": {"thought_signature": NO_SIGNATURE}}
    return {**message, "tool_calls": [{**first, "extra_content": extra}, *others]}


def _has_signature(call: object) -> bool:
    extra = call.get("extra_content") if isinstance(call, dict) else None
    google = extra.get("google") if isinstance(extra, dict) else None
    return isinstance(google, dict) and bool(google.get("thought_signature"))
