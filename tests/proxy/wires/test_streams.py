"""How streams begin and end, for a client of each wire and a provider of each wire."""

from collections.abc import Callable

import psutil
import pytest

from proxy.wires.conftest import Side
from support.events import Event
from support.processes import eventually
from support.proxy import anthropic_answers as anthropic
from support.proxy import openai_answers as openai
from support.proxy import responses_answers as responses
from support.proxy.client_view import Client, event_data
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, HANG, Drip, Pause, Script, Step, Upstream, stream, whole

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
CALL = responses.call("toolu_1", "weather", {"city": "Osaka"})
WEATHER = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {}}}}


@pytest.fixture
def side(each_side: Side) -> Side:
    return each_side


def begun(side: Side, *more: Step, words: str = "Hel") -> Script:
    """Return a stream that begins with the words and continues with the steps."""
    if side.name == "openai":
        return stream(openai.ROLE, openai.text(words), *more)
    if side.name == "responses":
        return stream(*responses.message_begun(), responses.text(words), *more)
    return stream(
        anthropic.MESSAGE_START, anthropic.start(anthropic.text("")), anthropic.content(words), *more
    )


def begun_call(side: Side, *more: Step) -> Script:
    """Return a stream that is in the middle of a tool call."""
    if side.name == "openai":
        first = openai.call_chunk(0, "", "toolu_1", "weather")
        return stream(openai.ROLE, first, openai.call_chunk(0, '{"city": "Os'), *more)
    if side.name == "responses":
        return stream(*responses.begun(responses.Writer()), *call_events()[:4], *more)
    start = anthropic.start(anthropic.tool_use("toolu_1", "weather", {}))
    piece = anthropic.delta({"type": "input_json_delta", "partial_json": '{"city": "Os'})
    return stream(anthropic.MESSAGE_START, start, piece, *more)


def call_events() -> list[bytes]:
    return list(responses.item_events(responses.Writer(), 0, CALL))


def ended_call(side: Side) -> list[bytes]:
    if side.name == "openai":
        return [openai.call_chunk(0, 'aka"}'), openai.chunk({}, "tool_calls"), openai.DONE]
    if side.name == "responses":
        return [*call_events()[4:], responses.ended(CALL)]
    piece = anthropic.delta({"type": "input_json_delta", "partial_json": 'aka"}'})
    return [piece, anthropic.stop(), anthropic.ended("tool_use")]


def names(story: list[Event]) -> list[str]:
    return [event["msg"] for event in story if event["msg"] != "capability-degraded"]


def open_connections(served: Proxy, upstream: Upstream) -> int:
    connections = psutil.Process(served.command.process.pid).net_connections("tcp")
    return len([each for each in connections if getattr(each.raddr, "port", None) == upstream.port])


def test_tool_calls_are_streamed_live(wires: Proxy, side: Side, client: Client) -> None:
    pause = Pause()
    side.provider.plays(begun_call(side, pause, *ended_call(side)))

    exchange = client.stream(wires, side.header, tools=[WEATHER])
    first = exchange.read_past(b"Os")
    assert pause.reached.wait(30)
    assert b"weather" in first
    pause.go()
    response = exchange.rest()

    raw = first + response.body
    assert client.calls(raw) == [("weather", {"city": "Osaka"})]
    assert client.is_complete(raw)
    assert wires.finished(response.request_id)["outcome"] == "ok"


def test_text_before_a_tool_call_is_streamed_live(wires: Proxy, side: Side, client: Client) -> None:
    pause = Pause()
    side.provider.plays(side.says.streamed("I look.", pause, " Wait."))

    exchange = client.stream(wires, side.header, tools=[WEATHER])
    first = exchange.read_past(b"I look.")
    assert pause.reached.wait(30)
    pause.go()

    assert client.text(first + exchange.rest().body) == "I look. Wait."


MIDSTREAM = {
    "cut": (CUT,),
    "closed in form without an end": (),
    "cut amid an event": (b'data: {"choices', CUT),
    "ended amid an event": (b'data: {"choices',),
    "garbage": (b"data: <html>\n\n", HANG),
    "garbage that begins well": (b'data: {"choices": [{\n\n', HANG),
    "JSON that is no object": (b"data: [1, 2]\n\n", HANG),
}


@pytest.mark.parametrize("steps", MIDSTREAM.values(), ids=MIDSTREAM)
def test_a_stream_that_breaks_ends_in_an_error_frame(
    steps: tuple[Step, ...], wires: Proxy, side: Side, client: Client, upstream_server: Upstream
) -> None:
    before = open_connections(wires, upstream_server)
    side.provider.plays(begun(side, *steps))

    response = client.stream(wires, side.header).rest()

    assert response.status == 200
    assert client.text(response.body) == "Hel"
    assert (client.error(response.body) or "").startswith(f"{side.name} failed: ")
    story = wires.story(response.request_id)
    assert names(story) == ["try-provider", "provider-ok", "provider-failed-midstream", "request-finished"]
    assert story[-1]["outcome"] == "midstream"
    assert eventually(lambda: open_connections(wires, upstream_server) <= max(before, 1))


def test_an_error_event_in_a_stream_ends_it(wires: Proxy, side: Side, client: Client) -> None:
    side.provider.plays(begun(side, side.says.error_event("Overloaded just now"), HANG))

    response = client.stream(wires, side.header).rest()

    assert client.text(response.body) == "Hel"
    assert "Overloaded just now" in (client.error(response.body) or "")
    failed = wires.story(response.request_id)[-2]
    assert (failed["msg"], failed["error_type"]) == ("provider-failed-midstream", "overloaded")
    assert side.provider.request.gone.wait(30)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("profile", "step"),
    [
        ("quiet-", HANG),
        ("quiet-", Drip(b": x\n\n")),
        ("quiet-", Drip(PING)),
        ("brief-", HANG),
        ("brief-", Drip(b"data: x")),
        ("brief-", Drip(b": x\n\n")),
    ],
    ids=[
        "silent",
        "silent but for comments",
        "silent but for pings",
        "silent for its whole time",
        "a byte now and then",
        "a comment now and then",
    ],
)
def test_a_stream_that_stalls_ends_in_an_error_frame(
    profile: str, step: Step, wires: Proxy, side: Side, client: Client, upstream_server: Upstream
) -> None:
    before = open_connections(wires, upstream_server)
    side.provider.plays(begun(side, step))

    response = client.stream(wires, side.profile(profile)).rest()

    assert client.text(response.body) == "Hel"
    assert client.error(response.body)
    failed = wires.story(response.request_id)[-2]
    assert (failed["msg"], failed["error_type"]) == ("provider-failed-midstream", "timeout_idle")
    assert side.provider.request.gone.wait(30)
    assert eventually(lambda: open_connections(wires, upstream_server) <= max(before, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [HANG, Drip(b"d"), Drip(b": x\n\n"), Drip(PING)],
    ids=["silent", "bytes", "comments", "pings"],
)
def test_a_stream_without_any_content_times_out(step: Step, wires: Proxy, side: Side, client: Client) -> None:
    side.provider.plays(stream(step))

    response = client.stream(wires, side.profile("hasty-")).rest()

    assert response.status == 502
    failed = wires.story(response.request_id)[1]
    assert (failed["msg"], failed["error_type"]) == ("provider-failed", "timeout_first_byte")
    assert side.provider.request.gone.wait(30)


def test_a_stream_with_a_stop_reason_needs_no_end_event(wires: Proxy, side: Side, client: Client) -> None:
    if side.name == "openai":
        side.provider.plays(begun(side, openai.STOP, words="Hello"))
    elif side.name == "responses":
        end = responses.ended(responses.message("Hello"))
        side.provider.plays(begun(side, *responses.message_ended("Hello"), end, words="Hello"))
    else:
        message_delta = anthropic.ended().removesuffix(anthropic.MESSAGE_STOP)
        side.provider.plays(begun(side, anthropic.stop(), message_delta, words="Hello"))

    response = client.stream(wires, side.header).rest()

    assert client.text(response.body) == "Hello"
    assert client.is_complete(response.body)
    assert wires.finished(response.request_id)["outcome"] == "ok"


FIRST_FAILURES = (
    "an error event",
    "an error event after a beginning",
    "a beginning and nothing more",
    "nothing",
    "garbage",
    "a whole answer of HTML",
    "a whole error",
)


def first_failures(side: Side) -> dict[str, Script]:
    failed = side.says.error_event("Overloaded just now")
    started = {
        "openai": [openai.ROLE, b": wait\n\n"],
        "anthropic": [anthropic.MESSAGE_START, anthropic.PING, anthropic.start(anthropic.text(""))],
        "responses": responses.message_begun(),
    }[side.name]
    return {
        "an error event": stream(failed),
        "an error event after a beginning": stream(*started, failed),
        "a beginning and nothing more": stream(*started),
        "nothing": stream(),
        "garbage": stream(b"data: <html>\n\n"),
        "a whole answer of HTML": whole(b"<html>"),
        "a whole error": whole({"error": {"type": "overloaded_error", "message": "Overloaded"}}),
    }


@pytest.mark.parametrize("failure", FIRST_FAILURES)
def test_a_failure_before_the_first_content_falls_back_to_a_provider_of_the_other_wire(
    failure: str, wires: Proxy, side: Side, client: Client, o: Side, n: Side
) -> None:
    other = n if side.name == "openai" else o
    side.provider.plays(first_failures(side)[failure])
    other.provider.plays(other.says.streamed("Hello", " there."))

    response = client.stream(wires, side.profile("both-")).rest()

    assert client.text(response.body) == "Hello there."
    assert client.is_complete(response.body)
    story = wires.story(response.request_id)
    assert names(story) == [
        "try-provider",
        "provider-failed",
        "try-provider",
        "provider-ok",
        "request-finished",
    ]
    assert story[-1]["provider"] == other.name


def test_usage_and_stop_reason_are_in_the_events(wires: Proxy, side: Side, client: Client) -> None:
    side.provider.plays(side.says.streamed())

    response = client.stream(wires, side.header).rest()

    finished = wires.finished(response.request_id)
    counts = ("input_tokens", "output_tokens", "cache_read_tokens")
    assert tuple(finished[name] for name in counts) == (10, 3, 2)
    assert (finished["ingress"], finished["stop_reason"]) == (
        client.name,
        {"openai": "stop", "anthropic": "end_turn", "responses": "completed"}[side.name],
    )


def test_nothing_after_the_end_reaches_the_client(wires: Proxy, side: Side, client: Client) -> None:
    *steps, end = side.says.streamed("Hi")
    texts: dict[str, Callable[[str], bytes]] = {
        "openai": openai.text,
        "anthropic": anthropic.content,
        "responses": responses.text,
    }
    more = texts[side.name]("more")
    side.provider.plays((*steps, b"%x\r\n%b\r\n" % (len(more), more), end))

    response = client.stream(wires, side.header).rest()

    assert client.text(response.body) == "Hi"
    assert client.is_complete(response.body)
    assert event_data(response.body)
