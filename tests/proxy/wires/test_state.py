"""The form of ids and signatures that hold state."""

import base64
import re
import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.wires import returned_state, state, state_payload
from coderouter_proxy.wires.collected_state import CollectedState
from coderouter_proxy.wires.state import State

Body = dict[str, Any]

MINE, OTHER = "0a0a0a0a0a0a", "0b0b0b0b0b0b"
SIGNED: Body = {"extra_content": {"google": {"thought_signature": "SIG"}}}
ANTHROPIC_ID = re.compile(r"[a-zA-Z0-9_-]+")

own_ids = st.text(max_size=40) | st.from_regex(r"(_|c|r|s|_crs_|call_[0-9]|[.:]){0,8}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3)
)
objects = st.dictionaries(st.text(max_size=10), values, max_size=3)
states = st.builds(State, st.text("0123456789abcdef", min_size=12, max_size=12), objects, objects)


@given(own_ids, states)
def test_an_id_holds_the_own_id_and_the_state(own: str, given_state: State) -> None:
    encoded = state.encode_id(own, given_state)
    assert ANTHROPIC_ID.fullmatch(encoded)
    assert state.decode_id(encoded) == (own, given_state)


@given(own_ids)
def test_an_id_without_state_is_the_own_id(own: str) -> None:
    encoded = state.encode_id(own, None)
    assert encoded == own or state.MARK in own
    assert state.decode_id(encoded) == (own, None)


@given(st.from_regex(r"[A-Za-z0-9]{1,20}", fullmatch=True), states, st.data())
def test_of_a_damaged_payload_only_the_id_is_left(own: str, given_state: State, data: st.DataObject) -> None:
    encoded = state.encode_id(own, given_state)
    start = len(own) + len(state.MARK)
    at = data.draw(st.integers(start, len(encoded) - 1))
    damaged = data.draw(
        st.sampled_from(
            [encoded[:at], encoded[:at] + "?" + encoded[at + 1 :], f"{encoded[:at]}A{encoded[at:]}"]
        )
    )
    assert state.decode_id(damaged) in ((own, None), (own, given_state))
    assert state.decode_id(encoded[:start]) == (own, None)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_decoded_id_has_a_payload_whatever_a_client_sends(before: str, after: str) -> None:
    own, found = state.decode_id(f"{before}{state.MARK}{after}")
    assert own
    assert found is None
    assert state.MARK not in own


@pytest.mark.parametrize("kind", ["call", "turn"])
def test_state_over_the_limit_is_left_out(kind: str) -> None:
    long = {"extra_content": {"x": "y" * state_payload.BYTES_MAX}}
    encoded = state.encode_id("call_1", State(MINE, **{kind: long}))
    assert state.decode_id(encoded) == ("call_1", State(MINE))
    assert len(encoded) < 80


def test_what_fits_is_kept_when_the_rest_does_not() -> None:
    long = {"reasoning_content": "short", "reasoning_details": ["y" * state_payload.BYTES_MAX]}
    encoded = state.encode_id("call_1", State(MINE, SIGNED, long))
    assert state.decode_id(encoded) == ("call_1", State(MINE, SIGNED, {"reasoning_content": "short"}))


def test_an_id_stays_within_the_limit_however_random_its_state() -> None:
    noise = "".join(chr(0x21 + (i * i * 7919 + i) % 90) for i in range(15_000))
    encoded = state.encode_id("call_1", State(MINE, {"x": noise}))
    assert len(encoded) < 1.4 * state_payload.BYTES_MAX
    assert state.decode_id(encoded)[1] == State(MINE, {"x": noise})


def test_a_payload_that_inflates_beyond_the_limit_is_damaged() -> None:
    fields = {"o": MINE, "t": {"x": "y" * 1_000_000}}
    bomb = base64.urlsafe_b64encode(zlib.compress(orjson.dumps(fields))).decode().rstrip("=")
    assert state.decode_id(f"call_1{state.MARK}{bomb}") == ("call_1", None)


@given(st.text(max_size=50), objects)
def test_a_signature_is_of_its_text(text: str, turn: Body) -> None:
    turn = {name: value for name, value in turn.items() if name not in state.REASONING}
    signature = state.sign(MINE, "reasoning_content", text, turn)
    assert state.is_ours(signature)
    assert state.signed(signature, text) == State(MINE, turn={"reasoning_content": text, **turn})
    assert state.signed(signature, f"{text}.") is None
    assert state.signed(signature[:-3], text) is None


@pytest.mark.parametrize("signature", ["", "EqQBCgIYAhIM/signed+by=the/vendor==", "crs_", "crs_AAAA", None])
def test_a_signature_of_others_holds_no_state(signature: Any) -> None:
    assert state.signed(signature, "Hm.") is None


def test_an_origin_is_of_kind_address_and_model() -> None:
    usual = {"name": "p", "base_url": "http://127.0.0.1:1/v1", "model": "m"}

    def origin(**more: object) -> str:
        return state.origin_of(Provider.model_validate({**usual, **more}))

    assert origin() == origin(name="renamed", timeout_s=5)
    others = {origin(kind="anthropic"), origin(base_url="http://127.0.0.1:2/v1"), origin(model="n")}
    assert len(others | {origin()}) == 4


def test_foreign_state_is_left_out_of_chat_messages() -> None:
    call_id = state.encode_id("call_1", State(OTHER, SIGNED, {"reasoning_content": "Hm."}))
    sent: list[Body] = [
        {
            "role": "assistant",
            "reasoning_content": "Hm.",
            "reasoning_details": [{}],
            "tool_calls": [{"id": call_id, "type": "function", **SIGNED}],
        },
        {"role": "tool", "tool_call_id": call_id, "content": "x"},
    ]
    plain: list[Body] = [
        {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "x"},
    ]
    assert returned_state.restored(sent, MINE, returns_reasoning=False) == plain
    plain[0]["reasoning_content"] = "Hm."
    assert returned_state.restored(sent, MINE, returns_reasoning=True) == plain


def test_what_the_client_sends_back_itself_stays() -> None:
    call_id = state.encode_id("call_1", State(MINE, SIGNED, {"reasoning_content": "Hm."}))
    newer: Body = {"extra_content": {"google": {"thought_signature": "NEW"}}}
    sent = [{"role": "assistant", "reasoning_content": "So.", "tool_calls": [{"id": call_id, **newer}]}]
    assert returned_state.restored(sent, MINE, returns_reasoning=False) == [
        {"role": "assistant", "reasoning_content": "So.", "tool_calls": [{"id": "call_1", **newer}]}
    ]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "tool_calls": "x"},
        {"role": "assistant", "tool_calls": [None, {"id": 3}, {}, "x"]},
        {"role": "tool", "tool_call_id": ["x"]},
        {},
    ],
    ids=str,
)
def test_odd_messages_are_passed_as_they_are(message: Body) -> None:
    assert returned_state.restored([message], MINE, returns_reasoning=False) == [message]
    assert (
        returned_state.without_state([{"role": "user", "content": [None, {"id": 3}, "x"]}, message])[1]
        == message
    )


def test_required_state_is_filled_in() -> None:
    calls: list[Body] = [{"id": "1"}, {"id": "2"}]
    messages: list[Body] = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "3", **SIGNED}],
            "reasoning_content": "Hm.",
        },
        {"role": "assistant", "content": "x"},
    ]
    assert returned_state.with_required_state(messages, ProviderTraits()) == messages

    dummy = {"google": {"thought_signature": "skip_thought_signature_validator"}}
    signed = returned_state.with_required_state(messages, ProviderTraits(thought_signatures=True))
    assert signed[1]["tool_calls"] == [{"id": "1", "extra_content": dummy}, {"id": "2"}]
    assert [signed[0], *signed[2:]] == [messages[0], *messages[2:]]

    reasoned = returned_state.with_required_state(messages, ProviderTraits(returns_reasoning=True))
    assert [message.get("reasoning_content") for message in reasoned] == [None, " ", "Hm.", " "]
    without_calls = [messages[0], messages[3]]
    assert (
        returned_state.with_required_state(without_calls, ProviderTraits(returns_reasoning=True))
        == without_calls
    )


def test_details_that_a_stream_cut_in_pieces_are_put_together() -> None:
    text: Body = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    encrypted = {"type": "reasoning.encrypted", "index": 1, "data": "x", "id": "call_1"}
    collected = CollectedState()
    collected.add_opaque("reasoning_details", [{**text, "text": "Need "}])
    collected.add_opaque("reasoning_details", [{**text, "text": "it.", "signature": None}])
    collected.add_opaque("reasoning_details", [{**text, "signature": "S"}, encrypted, "odd"])
    assert collected.take(reasoning=True) == {
        "reasoning_details": [{**text, "text": "Need it.", "signature": "S"}, encrypted, "odd"]
    }
    assert collected.take(reasoning=True) == {}
