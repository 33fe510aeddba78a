"""Opaque state of a vendor that has to come back with the next request, inside what the client returns.

Gemini refuses a call without the `thought_signature` that came with it, DeepSeek a turn without its
`reasoning_content`; OpenRouter has `reasoning_details` and Anthropic signed thinking. Clients of another wire have no
field for them, but every client returns tool-call ids, and on the Anthropic wire thinking. So the state is part of
these. Nothing is kept in memory: it survives a restart, other workers, and answers of other providers in between.

An id with state is `<id>_crs_<payload>`. The signature of thinking and the data of redacted thinking are
`crs_<payload>`; a client that asked for thinking gets what makes an id too long in a block of redacted thinking before
the call, whose id is `<id>_crs_` then. The payload names the provider that made the state; only that provider gets it
back. No provider ever gets an id with a payload, or a block with one.

Every other client, and one that did not return the block of its last call, gets all of it in the id, the one field
that all of them return; it may have 22,000 characters.
Those of the OpenAI wire drop `reasoning_content`, and mostly `extra_content`. On the Anthropic wire, a client that did
not ask for thinking may expect the call to be the first block, or drop a block that it does not know.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.request import Body
from coderouter_proxy.wires import state_payload

ID_CHARS_MAX: Final = 64
"""Of an id, where a block can hold the rest. Claude Code names files after ids, and other clients limit them, too."""

SIGNATURE_PREFIX: Final = "crs_"
MARK: Final = f"_{SIGNATURE_PREFIX}"
RAW_MARK: Final = SIGNATURE_PREFIX.encode()
"""A request without these bytes holds no state."""

REASONING: Final = ("reasoning_content", "reasoning")
SUMMARY: Final = "summary"
"""What a summary of reasoning is called in the state of a turn; no provider takes one for the reasoning."""
OPENAI_FIELDS: Final = (*REASONING, "reasoning_details", "extra_content")
"""Fields of an assistant message that may hold state."""
THINKING: Final = "thinking"
"""What Anthropic's blocks of thinking are called in the state of a turn."""
ITEMS: Final = "reasoning_items"
"""What sealed reasoning of the Responses wire is called there."""

NOT_IN_ID: Final = re.compile(r"[^A-Za-z0-9_-]")
_LONG = ("reasoning_details", ITEMS)
_ORIGIN_BYTES = 6
_ID_BEGINNING_CHARS = 40


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
    plain = _plain(own)
    payload = _payload(own, state, plain)
    return plain if payload is None else f"{plain}{MARK}{payload}"


def set_aside(own: str, state: State | None) -> tuple[str, str | None]:
    """Return an id for the client, and the data of a redacted block before the call; None if the id holds all.

    The id has at most `ID_CHARS_MAX` characters. It ends with the mark if there is a block.
    """
    with_all = encode_id(own, state)
    if len(with_all) <= ID_CHARS_MAX:
        return with_all, None
    short = _plain(own)
    if len(short) + len(MARK) > ID_CHARS_MAX:
        short = f"{short[:_ID_BEGINNING_CHARS]}_{state_payload.digest(own)}"
    given = f"{short}{MARK}"
    payload = _payload(own, state, short, {"a": given})
    return (short, None) if payload is None else (given, f"{SIGNATURE_PREFIX}{payload}")


class ReturnedCalls:
    """The calls of one conversation, as their providers made them; feed it with blocks, calls and results in order."""

    def __init__(self) -> None:
        self._aside: dict[str, tuple[str, State | None]] = {}  # of calls to come, by the client's id
        self._own: dict[str, str] = {}

    def takes(self, data: object) -> bool:
        """Return whether the data of a redacted block is ours; what it holds belongs to a call that follows."""
        if not isinstance(data, str) or not is_ours(data):
            return False
        fields = state_payload.decoded(data.removeprefix(SIGNATURE_PREFIX)) or {}
        if isinstance(given := fields.get("a"), str):
            self._aside[given] = _own_and_state(fields, given.removesuffix(MARK))
        return True

    def call(self, given: str) -> tuple[str, State | None]:
        """Return the provider's own id of the call, and the state."""
        own, of_call = self._aside.pop(given) if given in self._aside else decode_id(given)
        self._own[given] = own
        return own, of_call

    def result(self, given: str) -> str:
        """Return the provider's own id of the call that has this result."""
        return self._own.get(given) or decode_id(given)[0]


def decode_id(given: str) -> tuple[str, State | None]:
    """Return the provider's own id and the state; of a damaged payload, the id alone."""
    plain, mark, payload = given.partition(MARK)
    if not mark:
        return given, None
    fields = state_payload.decoded(payload)
    if fields is None:
        return plain or f"call_{state_payload.digest(given)}", None
    return _own_and_state(fields, plain)


def sign(origin: str, name: str, text: str, turn: Body) -> str:
    """Return a signature for reasoning in the field `name`, with more state of its turn."""
    fields: Body = {"o": origin, "f": name, "h": state_payload.digest(text)}
    payload = state_payload.encoded({**fields, "t": turn}) or state_payload.encoded(fields)
    return f"{SIGNATURE_PREFIX}{payload}"


def is_ours(signature: object) -> bool:
    """Return whether a signature comes from `sign`: it means nothing to Anthropic."""
    return isinstance(signature, str) and signature.startswith(SIGNATURE_PREFIX)


def signed(signature: str, text: str) -> State | None:
    """Return the state of reasoning and its signature; None if it is not ours, damaged, or of another text."""
    if not is_ours(signature):
        return None
    fields = state_payload.decoded(signature.removeprefix(SIGNATURE_PREFIX))
    if fields is None or fields.get("h") != state_payload.digest(text):
        return None
    if fields.get("f") not in (*REASONING, SUMMARY):
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


def _plain(own: str) -> str:
    return NOT_IN_ID.sub("_", own).replace(MARK[:-1], "-crs")


def _payload(own: str, state: State | None, shown: str, more: Body | None = None) -> str | None:
    """Return what an id or a block of the call has to hold, with as much of the state as fits; None if nothing does."""
    named: Body = {} if shown == own else {"i": own}
    payloads = (state_payload.encoded({**fields, **named, **(more or {})}) for fields in _smaller(state))
    return next((payload for payload in payloads if payload is not None), None)


def _own_and_state(fields: Body, shown: str) -> tuple[str, State | None]:
    own = fields.get("i", shown)
    return (own if isinstance(own, str) else shown), _state(fields)


def _smaller(state: State | None) -> Iterable[Body]:
    """Yield the fields of a payload with less and less of the state."""
    if state is None:
        yield {}
        return
    fields: Body = {"o": state.origin}
    call: Body = {"c": state.call} if state.call else {}
    short = {name: value for name, value in state.turn.items() if name not in _LONG}
    if state.turn:
        yield {**fields, **call, "t": state.turn}
        yield {**fields, **call, "t": short}
    yield {**fields, **call}
    yield fields


def _state(fields: Body) -> State | None:
    origin, call, turn = fields.get("o"), fields.get("c", {}), fields.get("t", {})
    if not isinstance(origin, str) or not isinstance(call, dict) or not isinstance(turn, dict):
        return None
    return State(origin, call, turn)


def openai_fields(turn: Body) -> Body:
    """Return the fields of a chat message that are in a turn's state."""
    return {name: turn[name] for name in OPENAI_FIELDS if name in turn}
