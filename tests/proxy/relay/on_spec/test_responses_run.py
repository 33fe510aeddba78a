"""Events of a run pass as they would one by one: only those that differ in nothing but number and text."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderouter_proxy.relay.edited import Edited
from coderouter_proxy.relay.on_spec.responses import OnSpec
from coderouter_proxy.relay.on_spec.responses_run import LEARN_MAX, Run
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.wires.responses.provider import ResponsesProvider
from support.proxy import responses_answers as answers

Body = dict[str, Any]

DELTA = "response.output_text.delta"
AT = {"item_id": "msg_theirs", "output_index": 0, "content_index": 0}
WIRE = ResponsesProvider()


def event(fields: Body, *, spaces: bool = False, name: str | None = None) -> bytes:
    text = json.dumps(fields, ensure_ascii=False, separators=None if spaces else (",", ":"))
    return f"event: {name or fields['type']}\ndata: {text}\n\n".encode()


def delta(number: object, text: object, **more: object) -> Body:
    return {"type": DELTA, "sequence_number": number, **AT, "delta": text, **more}


def relayed(events: list[bytes], *, by_runs: bool) -> tuple[bytes, str]:
    """Return what the client gets for the events after the beginning of a message, and the error at the end."""
    on_spec = OnSpec()
    relay = Relay(WIRE, Edited(WIRE, lambda: (on_spec,)), continues=on_spec.continues if by_runs else None)
    relay.feed(b"".join(answers.message_begun()))
    sent = b""
    for each in events:
        out, error = relay.feed(each)
        sent += out
        if error is not None:
            return sent, str(error)
    return sent + relay.end(), ""


STRANGE: list[Any] = [
    b": ping\n\n",
    event({"type": "response.output_text.done", **AT, "text": "x", "logprobs": []}),
    event({"type": "response.output_item.done", "output_index": 0, "item": answers.message("x")}),
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"\xff"}\n\n',
    event({**delta(4, "x"), "error": {"message": "gone"}}),
    event(delta(4, "x"), name="response.refusal.delta"),
    event(delta(None, "x")),
    event(delta(4, None)),
]


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Return events: mostly numbered pieces of a text, written in one way or another."""
    number, spaces = draw(st.sampled_from([4, 9, 99])), draw(st.booleans())
    last = draw(st.booleans())
    events: list[bytes] = []
    for _ in range(draw(st.integers(1, 12))):
        if draw(st.integers(0, 9)) == 0:
            events.append(draw(st.sampled_from(STRANGE)))
            continue
        words = draw(
            st.sampled_from(["one ", '"', "\\", "\n", "", "é☃", '","sequence_number":7,"', "\ud800"])
        )
        more: Body = {"obfuscation": "x" * draw(st.integers(0, 3))} if draw(st.booleans()) else {}
        fields = delta(number, words, **more)
        if last:
            fields["sequence_number"] = fields.pop("sequence_number")
        text = json.dumps(fields, ensure_ascii=True, separators=None if spaces else (",", ":"))
        events.append(f"event: {DELTA}\ndata: {text}\n\n".encode())
        number += draw(st.sampled_from([1, 1, 1, 1, 0, 2]))
    return events


@given(events=streams(), together=st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)
def test_a_client_gets_the_same_with_runs_and_without(events: list[bytes], together: bool) -> None:
    pieces = [b"".join(events)] if together else events
    assert relayed(pieces, by_runs=True) == relayed(pieces, by_runs=False)


@pytest.mark.parametrize("spaces", [False, True])
def test_the_next_number_with_any_text_continues_a_run(spaces: bool) -> None:
    run = Run()
    run.learn(event(delta(9, "one"), spaces=spaces), DELTA, delta(9, "one"))
    assert run.continues(event(delta(10, 'a "quoted" ☃'), spaces=spaces), 10)
    assert not run.continues(event(delta(11, "x"), spaces=spaces), 10)
    assert not run.continues(event(delta(10, "x", logprobs=[]), spaces=spaces), 10)
    assert not run.continues(event(delta(10, ["x"]), spaces=spaces), 10)
    run.over()
    assert not run.continues(event(delta(10, "x"), spaces=spaces), 10)


def test_frames_that_differ_each_time_are_not_learnt_for_ever() -> None:
    run = Run()
    for number in range(LEARN_MAX):
        run.learn(event(delta(number, "x", other="x")), DELTA, delta(number, "x"))
    run.learn(event(delta(9, "y")), DELTA, delta(9, "y"))
    assert not run.continues(event(delta(10, "y")), 10)
