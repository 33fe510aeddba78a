"""Events that differ in their text only are passed on at once; nothing else is."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderouter_proxy.relay import alike
from coderouter_proxy.relay.choose import choose
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.relay.text import AnswerPolicy
from support.proxy import anthropic_answers as anthropic
from support.proxy import openai_answers as openai
from support.proxy.drive_relay import PROVIDER_WIRES, request_of

ANY_LOAD = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
BEGINNINGS = {
    "openai": [openai.text("a"), openai.text("b")],
    "anthropic": [
        anthropic.MESSAGE_START + anthropic.start(anthropic.text("")) + anthropic.content("a"),
        anthropic.content("b"),
    ],
}
TEXTS: dict[str, Callable[[str], bytes]] = {"openai": openai.text, "anthropic": anthropic.content}


def running(wire: str) -> Relay:
    """Return a relay between two sides of the wire that knows what its texts are framed by."""
    relay = choose(PROVIDER_WIRES[wire], request_of(wire, {"messages": [{}], "stream": True}), AnswerPolicy())
    for events in BEGINNINGS[wire]:
        assert relay.feed(events) == (events, None)
    return relay


def with_parsing(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the list that each text gets into which is parsed as JSON from now on."""
    parsed: list[bytes] = []
    loads = orjson.loads

    def noted(data: bytes) -> Any:
        parsed.append(data)
        return loads(data)

    monkeypatch.setattr(orjson, "loads", noted)
    return parsed


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_a_burst_is_checked_in_one_go_also_before_an_end(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = running(wire)
    texts = b"".join(TEXTS[wire](f"word{number} ") for number in range(20))
    end = openai.STOP + openai.DONE if wire == "openai" else anthropic.stop() + anthropic.ended()
    parsed = with_parsing(monkeypatch)

    assert relay.feed(texts + end) == (texts + end, None)

    assert len(parsed) <= 1 + end.count(b"data: ") * 2
    assert relay.ended


ODD = [
    b'x","finish_reason":"stop","y":"',
    b'x","y',
    b'"}}],"error":{"message":"boom"},"x":[{"y":{"z":"',
    b'"},"error":{"message":"boom"},"x":{"y":"',
    b"\\",
    b'a\\","b":"',
    b"\n",
    b"\\ud83d",
    b"\xff",
    b"\\u00",
]


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("odd", ODD)
def test_a_text_that_is_more_than_a_text_is_read_as_ever(
    wire: str, place: int, odd: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [TEXTS[wire](text) for text in ("one", "two", "three")]
    events[place] = TEXTS[wire]("@@").replace(b"@@", odd)
    quick = running(wire)
    with monkeypatch.context() as patched:
        patched.setattr(alike, "LEARN_MAX", 0)
        thorough = running(wire)

    relayed, error = quick.feed(b"".join(events))

    expected, expected_error = thorough.feed(b"".join(events))
    assert relayed == expected
    assert (error and error.message) == (expected_error and expected_error.message)


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
@given(data=st.data())
@ANY_LOAD
def test_what_a_client_gets_does_not_depend_on_bursts(wire: str, data: st.DataObject) -> None:
    text = st.one_of(st.text(max_size=5), st.sampled_from(["\\", '"', "\n", "\n\n", "data: ", "[DONE]"]))
    texts = data.draw(st.lists(text, max_size=12))
    events = [TEXTS[wire](each) for each in texts]
    for place in data.draw(st.lists(st.integers(0, len(events)), max_size=2)):
        events.insert(place, b": wait\n\n")
    one_by_one = running(wire)

    at_once = running(wire).feed(b"".join(events))

    assert at_once == (b"".join(one_by_one.feed(event)[0] for event in events), None)
    assert at_once[0] == b"".join(events)
