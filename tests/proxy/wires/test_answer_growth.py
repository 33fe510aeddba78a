"""Work on an answer grows with its size, not with the square of it, whole or in pieces of one byte."""

from collections.abc import Callable, Iterable

import pytest

from coderouter_proxy import redact
from coderouter_proxy.relay import whole
from coderouter_proxy.relay.choose import choose
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.wires import lenient_json, refusals, sse
from support.growth import GROWTH_MAX, growth_in_cpu_time
from support.proxy import anthropic_answers as anthropic
from support.proxy import openai_answers as openai
from support.proxy.drive_relay import PROVIDER_WIRES, request_of

pytestmark = pytest.mark.long

WIRES = ("openai", "anthropic")
TEXTS: dict[str, Callable[[str], bytes]] = {"openai": openai.text, "anthropic": anthropic.content}


def relay_between(provider: str, client: str, *, stream: bool = True) -> Relay:
    request = request_of(client, {"messages": [{"role": "user", "content": "x"}], "stream": stream})
    return choose(PROVIDER_WIRES[provider], request, AnswerPolicy())


STREAMS: dict[str, Callable[[int], bytes]] = {
    "one event": lambda n: b"data: " + b"x" * n + b"\n\n",
    "many events": lambda n: b"data: x\n\n" * (n // 9),
    "one that does not end": lambda n: b"x" * n,
    "line breaks": lambda n: b"\n" * n,
    "carriage returns": lambda n: b"\r" * n,
    "white space": lambda n: b" " * n,
}


def one_by_one(raw: bytes) -> Iterable[bytes]:
    return (raw[at : at + 1] for at in range(len(raw)))


@pytest.mark.parametrize("make", STREAMS.values(), ids=STREAMS)
def test_events_are_cut_byte_by_byte(make: Callable[[int], bytes]) -> None:
    def fed(raw: bytes) -> None:
        buffer = sse.EventBuffer()
        for piece in one_by_one(raw):
            buffer.feed(piece)

    assert growth_in_cpu_time(fed, make, 50_000) <= GROWTH_MAX


@pytest.mark.parametrize("make", STREAMS.values(), ids=STREAMS)
def test_events_are_cut_in_large_pieces(make: Callable[[int], bytes]) -> None:
    def fed(raw: bytes) -> None:
        buffer = sse.EventBuffer()
        for at in range(0, len(raw), 1000):
            buffer.feed(raw[at : at + 1000])

    assert growth_in_cpu_time(fed, make, 200_000) <= GROWTH_MAX


HALF = b"\\ud83d"
BURSTS: dict[str, Callable[[str, int], bytes]] = {
    "texts": lambda wire, n: TEXTS[wire]("word ") * n,
    "texts and comments": lambda wire, n: (TEXTS[wire]("word ") + b": wait\n\n") * n,
    "two kinds of text": lambda wire, n: (TEXTS[wire]("word ") + TEXTS[wire]("@").replace(b"@", HALF)) * n,
    "halves of characters": lambda wire, n: TEXTS[wire]("@").replace(b"@", HALF) * n,
    "a text": lambda wire, n: TEXTS[wire]("word " * 100 * n),
    "lines of data": lambda _, n: b"data: {\n" + b"data:\n" * 100 * n + b'data: "a": 1}\n\n',
    "comments": lambda _, n: b": wait\n\n" * 10 * n,
    "blank lines": lambda _, n: b"\n\n" * 10 * n,
}


@pytest.mark.parametrize("client", WIRES)
@pytest.mark.parametrize("provider", WIRES)
@pytest.mark.parametrize("make", BURSTS.values(), ids=BURSTS)
def test_a_burst_of_any_size_is_relayed(
    make: Callable[[str, int], bytes], provider: str, client: str
) -> None:
    def relayed(events: bytes) -> None:
        relay = relay_between(provider, client)
        for _ in range(2):
            assert relay.feed(TEXTS[provider]("a"))[1] is None
        assert relay.feed(events)[1] is None

    assert growth_in_cpu_time(relayed, lambda n: make(provider, n), 500) <= GROWTH_MAX


BODIES: dict[str, Callable[[int], bytes]] = {
    "lone halves": lambda n: b'{"x": "' + HALF * n + b'"}',
    "brackets": lambda n: b"[" * n,
    "numbers": lambda n: b'{"x": NaN, "y": [' + b"1," * n + b"1]}",
    "a long number": lambda n: b'{"x": NaN, "y": ' + b"1" * n + b"}",
    "bytes that are not UTF-8": lambda n: b'{"x": "' + b"\xff" * n + b'"}',
    "NUL bytes": lambda n: b'{"x": NaN' + b"\0" * n + b"}",
}


@pytest.mark.parametrize("make", BODIES.values(), ids=BODIES)
def test_what_is_not_quite_json_is_read(make: Callable[[int], bytes]) -> None:
    def read(data: bytes) -> None:
        try:
            lenient_json.loads(data)
        except ValueError:
            return

    assert growth_in_cpu_time(read, make, 50_000) <= GROWTH_MAX


@pytest.mark.parametrize("wire", WIRES)
def test_a_stream_is_collected(wire: str) -> None:
    begin = b"" if wire == "openai" else anthropic.MESSAGE_START + anthropic.start(anthropic.text(""))
    end = openai.STOP + openai.DONE if wire == "openai" else anthropic.stop() + anthropic.ended()

    def collected(body: bytes) -> None:
        whole.relayed(body, PROVIDER_WIRES[wire], relay_between(wire, wire, stream=False))

    assert growth_in_cpu_time(collected, lambda n: begin + TEXTS[wire]("word ") * n + end, 500) <= GROWTH_MAX


SECRETS: dict[str, Callable[[int], str]] = {
    "prefixes": lambda n: "sk-" * n,
    "short keys": lambda n: "sk-abc " * n,
    "URLs": lambda n: "://a" * n,
    "a URL": lambda n: "://" + "a" * n,
    "bearers": lambda n: "bearer " * n,
    "a bearer": lambda n: "bearer" + " " * n,
    "bearers and blanks": lambda n: ("bearer" + " " * 20 + '"') * (n // 20),
    "underscores": lambda n: "sk_" + "_" * n + "!",
}


@pytest.mark.parametrize("make", SECRETS.values(), ids=SECRETS)
def test_keys_are_searched_for(make: Callable[[int], str]) -> None:
    assert growth_in_cpu_time(redact.scrubbed, make, 100_000) <= GROWTH_MAX


ERRORS: dict[str, Callable[[int], object]] = {
    "a list": lambda n: [{"x": 1}] * n,
    "a list of errors": lambda n: {"detail": [{"loc": ["x"] * 9, "msg": "boom"}] * n},
    "words": lambda n: {"error": "exceed" * n},
    "JSON in words": lambda n: {"error": '{"x":' * n},
}


@pytest.mark.parametrize("make", ERRORS.values(), ids=ERRORS)
def test_errors_are_read(make: Callable[[int], object]) -> None:
    assert growth_in_cpu_time(lambda error: refusals.reported(error, {}), make, 20_000) <= GROWTH_MAX
