"""Cases in which the provider's HTTP itself is damaged: status line, headers, framing, encoding, what surrounds it."""

import gzip
import json
import random
import zlib
from collections.abc import Callable

from fuzz import answers, mutations
from fuzz.case import PROVIDERS, Case, request
from fuzz.upstream import RawPlayed

STATUS_LINES = (
    *(b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 200"),
    *(
        b"http/1.1 200 OK",
        b"HTTP/1.1 201 Created",
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 206 Partial Content",
    ),
    *(
        b"HTTP/1.1 299 Odd",
        b"HTTP/1.1 101 Switching Protocols",
        b"HTTP/1.1 199 Odd",
        b"HTTP/1.1 304 Not Modified",
    ),
    *(b"HTTP/1.1 307 Moved", b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 401 No", b"HTTP/1.1 404 No"),
    *(b"HTTP/1.1 413 No", b"HTTP/1.1 429 No", b"HTTP/1.1 500 No", b"HTTP/1.1 503 No", b"HTTP/1.1 529 No"),
    *(b"HTTP/1.1 999 No", b"HTTP/1.1 000 No", b"HTTP/2 200", b"HTTP/9.9 200 OK", b"HTTP/1.1 2OO OK"),
    *(b"HTTP/1.1  200 OK", b"HTTP/1.1 -200 OK", b"ICY 200 OK", b"HTTP/1.1 20000 OK", b"SSH-2.0-x", b""),
    *(b"HTTP/1.1 200 " + b"x" * 9000, b"HTTP/1.1 200 \xff\xfe", b"\x16\x03\x01"),
)
HEADERS = (
    *(b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 0", b"Content-Length: 99999999999"),
    *(b"Content-Length: x", b"Content-Length: +5", b"Content-Length: 5, 5", b"Transfer-Encoding: chunked"),
    *(
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: chunked, chunked",
    ),
    *(
        b"Content-Encoding: gzip",
        b"Content-Encoding: br",
        b"Content-Encoding: zstd",
        b"Content-Encoding: deflate",
    ),
    *(b"Content-Encoding: nonsense", b"Connection: close", b"Connection: upgrade", b"Upgrade: h2c"),
    *(b"Connection: keep-alive", b"Retry-After: 5", b"Retry-After: Mon, 01 Jan 99999999999 00:00:00 GMT"),
    *(b"Retry-After: nan", b"Retry-After: -1", b"Retry-After: 1e400", b"X-RateLimit-Limit: \xff"),
    *(
        b"request-id: \xc3\xa9",
        b"X: " + b"y" * 9000,
        b"No colon",
        b" folded",
        b": empty",
        b"A B: c",
        b"A\x00: b",
    ),
    *(
        b"A: b\x00",
        b"Content-Type: text/html",
        b"Content-Type: \xff",
        b"Location: http://x/",
        b"Set-Cookie: a=b",
    ),
    *(b"Trailer: X", b"Expect: x", b"anthropic-ratelimit-x: \x7f", b"Content-Type:"),
)
BEFORE = (
    *(
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n",
        b"\r\n",
        b"\r\n\r\n",
    ),
    *(b"\x00", b"HTTP/1.1 100 Continue\r\n\r\n" * 40, b"HTTP/1.1 150 Odd\r\n\r\n", b"garbage\r\n", b" "),
)
BEHIND = (b"0\r\n\r\n", b"\r\n", b"garbage", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"\x00" * 100)
SIZES = (b"5;x=y", b"-1", b"fffffffffffffffff", b"0x5", b"", b" 5 ", b"G", b"5" * 40, b"+5", b"00005")
TRAILERS = (b"X: y\r\n", b"Host: y\r\n", b"no colon\r\n", b"X: " + b"y" * 9000 + b"\r\n")


def case(number: int, seed: str) -> Case:
    dice = random.Random(f"http-{seed}-{number}")
    name = f"case-{number}"
    client = dice.choice(("openai", "anthropic", "responses"))
    provider = dice.choice(list(PROVIDERS))
    stream = dice.random() < 0.6
    body = json.dumps(request(name, client, provider, dice, stream=stream)).encode()
    return Case(name, client, provider, stream, body, _played(PROVIDERS[provider], dice, stream=stream))


def _played(wire: str, dice: random.Random, *, stream: bool) -> RawPlayed:
    content_type = b"Content-Type: text/event-stream" if stream else b"Content-Type: application/json"
    data = b"".join(answers.events(wire, dice)) if stream else answers.whole(wire, dice)
    headers = [content_type]
    encode = dice.choice(ENCODINGS)
    if encode is not None:
        name, encoded = encode
        data = encoded(data)
        headers.append(b"Content-Encoding: " + name)
    status = STATUS_LINES[0] if dice.random() < 0.6 else dice.choice(STATUS_LINES)
    if dice.random() < 0.4:
        for _ in range(dice.randint(1, 3)):
            headers.insert(dice.randrange(len(headers) + 1), dice.choice(HEADERS))
    framing, data = dice.choice((_chunked, _chunked, _with_length, _with_length, _until_end))(data, dice)
    end = b"\n" if dice.random() < 0.05 else b"\r\n"
    raw = end.join([status, *headers, *framing, b"", b""]) + data
    if dice.random() < 0.1:
        raw = dice.choice(BEFORE) + raw
    if dice.random() < 0.1:
        raw += dice.choice(BEHIND)
    if dice.random() < 0.2:
        raw = mutations.damaged_bytes(raw, dice)
    # What ends by mistake must end, or the case takes until its timeout.
    return RawPlayed(mutations.cut(raw, dice), broken_off=dice.random() < 0.995)


def _chunked(data: bytes, dice: random.Random) -> tuple[list[bytes], bytes]:
    pieces = mutations.cut(data, dice)[:60]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    if chunks and dice.random() < 0.2:
        at = dice.randrange(len(chunks))
        chunks[at] = b"%b\r\n%b\r\n" % (dice.choice(SIZES), pieces[at])
    trailer = dice.choice(TRAILERS) if dice.random() < 0.1 else b""
    return [b"Transfer-Encoding: chunked"], b"".join(chunks) + b"0\r\n" + trailer + b"\r\n"


def _with_length(data: bytes, dice: random.Random) -> tuple[list[bytes], bytes]:
    wrong = dice.choice((-1, 1, 100, -len(data))) if dice.random() < 0.2 else 0
    return [b"Content-Length: %d" % (len(data) + wrong)], data


def _until_end(data: bytes, dice: random.Random) -> tuple[list[bytes], bytes]:
    del dice
    return [], data


Encoding = tuple[bytes, Callable[[bytes], bytes]]
ENCODINGS: tuple[Encoding | None, ...] = (
    *(None, None, None, None),
    (b"gzip", gzip.compress),
    (b"deflate", zlib.compress),
    (b"gzip", lambda data: gzip.compress(data)[:-9]),
    (b"gzip", lambda data: gzip.compress(data) * 2),
    (b"gzip", lambda data: data),
    (b"deflate", lambda data: data),
    (b"br", lambda data: data),
)
