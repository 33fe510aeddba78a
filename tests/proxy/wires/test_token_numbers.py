"""Whatever a provider reports as numbers of tokens, the request is counted, and nonsense counts as missing."""

import json
import re
from dataclasses import dataclass

import pytest

from proxy.wires.conftest import Side
from support.proxy.process import Proxy
from support.proxy.upstream import Script

FIELDS = {"openai": "completion_tokens", "anthropic": "output_tokens", "responses": "output_tokens"}
NONSENSE = {
    "2^64-1": "18446744073709551615",
    "2^64": "18446744073709551616",
    "10^400": "1e400",
    "beyond 10^9": "1000000001",
    "negative": "-1",
    "a fraction": "0.5",
    "a boolean": "true",
    "a text": '"3"',
    "a list": "[3]",
    "an object": "{}",
}


@dataclass(frozen=True)
class Answered:
    """How an answer with this number of output tokens was counted, and what was noted about it."""

    outcome: str
    output_tokens: int | None
    noted: list[list[str]]


def with_number(script: Script, field: str, number: str) -> Script:
    """Return the script with the number in all fields of this name, and chunks as long as they say."""
    found: list[bytes] = []
    for step in script:
        assert isinstance(step, bytes)
        size, _, data = step.partition(b"\r\n")
        is_chunk = re.fullmatch(rb"[0-9a-f]+", size) is not None
        body = re.sub(
            rb'("%b": ?)\d+' % field.encode(), rb"\g<1>" + number.encode(), data if is_chunk else step
        )
        found.append(b"%x\r\n%b" % (len(body) - 2, body) if is_chunk else body)
    if found[0].lower().find(b"content-length") >= 0:
        found[0] = re.sub(rb"(?i)(content-length: )\d+", b"\\g<1>%d" % len(found[-1]), found[0])
    return tuple(found)


def answered(wires: Proxy, side: Side, *, stream: bool, number: str) -> Answered:
    sound = side.says.streamed("Hello there.") if stream else side.says.answer()
    side.provider.plays(with_number(sound, FIELDS[side.name], number))
    response = wires.chat(side.header, stream=stream).rest()
    assert response.status == 200, response.body
    story = wires.story(response.request_id)
    assert story[-1]["msg"] == "request-finished"
    noted = [event["dropped"] for event in story if event["msg"] == "capability-degraded"]
    return Answered(story[-1]["outcome"], story[-1]["output_tokens"], noted)


@pytest.mark.parametrize("number", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_nonsense_counts_as_missing_and_is_noted(
    number: str, stream: bool, wires: Proxy, each_side: Side
) -> None:
    found = answered(wires, each_side, stream=stream, number=number)
    assert found.outcome == "ok"
    assert found.output_tokens in (None, 1), "1 is what Messages report at the beginning"
    assert found.noted == [["usage"]]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("number", "tokens"), [("0", 0), ("1000000000", 10**9), ("7.0", 7)])
def test_whole_numbers_count(number: str, tokens: int, stream: bool, wires: Proxy, each_side: Side) -> None:
    assert answered(wires, each_side, stream=stream, number=number) == Answered("ok", tokens, [])


def test_a_missing_number_is_no_nonsense(wires: Proxy, each_side: Side) -> None:
    assert answered(wires, each_side, stream=False, number="null") == Answered("ok", None, [])


def test_a_stop_reason_that_is_half_a_character_is_written(wires: Proxy, o: Side) -> None:
    raw = json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": "\ud83d"}]}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(raw)
    o.provider.plays((head, raw))
    response = wires.chat(o.header).rest()
    finished = wires.finished(response.request_id)
    assert (finished["outcome"], finished["provider"]) == ("ok", "openai")
