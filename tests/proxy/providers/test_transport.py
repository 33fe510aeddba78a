"""What both clients make of a server's bytes: the one for plain HTTP, and aiohttp's session."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Sequence

import pytest
from yarl import URL

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import http
from coderouter_proxy.providers.plain_http.connection import FIELDS_MAX, HEAD_BYTES_MAX
from coderouter_proxy.providers.plain_http.pool import Pool
from coderouter_proxy.providers.plain_http.response import BUFFER_BYTES_MAX, PlainResponse
from coderouter_proxy.providers.response import INTERIM_MAX, Response, Route, read_all
from coderouter_proxy.providers.transport import Transport
from support.proxy.raw_server import CLOSE, RESET, WAIT, RawServer, Step

HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer k"}
BODY = b'{"a": 1}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ZIPPED = gzip.compress(b"hello")
WITHIN_S = 20

Use = Callable[[Route, RawServer], Awaitable[None]]


@pytest.fixture(params=["plain", "session"])
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def route(transport: Transport, port: int, client: str = "plain", connect_timeout_s: float = 5) -> Route:
    url = URL(f"http://127.0.0.1:{port}/v1/chat")
    if client == "plain":
        return transport.route(url, HEADERS, proxy=None, connect_timeout_s=connect_timeout_s)
    return http.SessionRoute(
        lambda: transport.session, url, HEADERS, proxy=None, connect_timeout_s=connect_timeout_s
    )


def using(client: str, answers: Sequence[Sequence[Step]], use: Use) -> None:
    async def run() -> None:
        async with asyncio.timeout(WITHIN_S), RawServer(answers) as server, Transport() as transport:
            await use(route(transport, server.port, client), server)

    asyncio.run(run())


async def read(response: Response) -> bytes:
    data = await read_all(response, 10**9)
    response.release()
    return data


BODIES: dict[str, Sequence[Step]] = {
    "length": [OK],
    "byte by byte": [bytes([byte]) for byte in OK],
    "chunks": [CHUNKED, b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"],
    "chunks with extensions and trailers": [CHUNKED, b"5;a=b\r\nhello\r\n0\r\nX-A: b\r\n\r\n"],
    "until the end": [b"HTTP/1.1 200 OK\r\n\r\nhello", CLOSE],
    "HTTP/1.0": [b"HTTP/1.0 200 OK\r\n\r\nhello", CLOSE],
    "no reason": [b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello"],
    "interim responses": [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n", OK],
    "compressed": [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(ZIPPED) + ZIPPED
    ],
}


@pytest.mark.parametrize("answer", BODIES.values(), ids=BODIES)
def test_the_body_is_read_however_it_is_framed(answer: Sequence[Step], client: str) -> None:
    async def use(route: Route, server: RawServer) -> None:
        response = await route.post(BODY, {})
        assert (response.status, await read(response)) == (200, b"hello")
        assert response.at_eof()

    using(client, [answer], use)


def test_a_request_has_its_headers_and_its_body(client: str) -> None:
    async def use(route: Route, server: RawServer) -> None:
        large = b"x" * 900_000
        await read(await route.post(large, {"x-beta": "b", "authorization": "Bearer other"}))
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        assert first == "POST /v1/chat HTTP/1.1"
        assert len(fields) == len(lines)
        assert fields["host"] == f"127.0.0.1:{server.port}"
        assert fields["user-agent"].startswith("coderouter/")
        assert (fields["x-beta"], fields["authorization"]) == ("b", "Bearer other")
        assert (fields["content-type"], fields["content-length"]) == ("application/json", "900000")
        assert body == large

    using(client, [[OK]], use)


def test_header_fields_are_found_whatever_their_case(client: str) -> None:
    async def use(route: Route, server: RawServer) -> None:
        response = await route.post(BODY, {})
        assert response.headers.get("request-id") == response.headers.get("Request-ID") == "req_1"
        assert response.headers.get("x-none") is None
        assert "req_1" in dict(response.headers.items()).values()

    using(client, [[b"HTTP/1.1 200 OK\r\nReQuest-Id: req_1\r\nContent-Length: 0\r\n\r\n"]], use)


def test_a_connection_serves_one_request_after_the_other(client: str) -> None:
    async def use(route: Route, server: RawServer) -> None:
        for _ in range(3):
            assert await read(await route.post(BODY, {})) == b"hello"
        assert (server.connections, len(server.requests)) == (1, 3)

    using(client, [[OK]] * 3, use)


NOT_REUSED: dict[str, Sequence[Step]] = {
    "connection: close": [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"],
    "HTTP/1.0": [b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
    "bytes behind the answer": [OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"],
}


@pytest.mark.parametrize("answer", NOT_REUSED.values(), ids=NOT_REUSED)
def test_a_connection_is_not_used_again_after(answer: Sequence[Step], client: str) -> None:
    async def use(route: Route, server: RawServer) -> None:
        assert await read(await route.post(BODY, {})) == b"hello"
        assert await read(await route.post(BODY, {})) == b"hello"
        assert server.connections == 2

    using(client, [answer, [OK]], use)


def test_an_answer_that_is_not_read_to_its_end_closes_the_connection(client: str) -> None:
    async def use(route: Route, server: RawServer) -> None:
        response = await route.post(BODY, {})
        assert await response.readany() == b"he"
        response.release()
        assert await read(await route.post(BODY, {})) == b"hello"
        assert server.connections == 2

    using(client, [[CHUNKED, b"2\r\nhe\r\n", WAIT], [OK]], use)


@pytest.mark.parametrize("how", [CLOSE, RESET])
def test_a_connection_that_dies_while_idle_is_replaced(how: str, client: str) -> None:
    async def use(route: Route, server: RawServer) -> None:
        assert await read(await route.post(BODY, {})) == b"hello"
        assert await read(await route.post(BODY, {})) == b"hello"
        assert server.connections == 2

    using(client, [[OK], [how], [OK]], use)


BROKEN: dict[str, tuple[Sequence[Step], bytes, str]] = {
    "closed without an answer": ([CLOSE], b"", "connect"),
    "reset without an answer": ([RESET], b"", "connect"),
    "closed in the head": ([b"HTTP/1.1 200 OK\r\nConte", CLOSE], b"", "connect"),
    "closed in the body": (
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", CLOSE],
        b"hello",
        "connect",
    ),
    "closed between chunks": ([CHUNKED + b"5\r\nhello\r\n", CLOSE], b"hello", "connect"),
    "not HTTP": ([b"SSH-2.0-OpenSSH_9.2\r\n\r\n", CLOSE], b"", "protocol"),
    "an invalid length": ([b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello", CLOSE], b"", "protocol"),
    "invalid chunks": ([CHUNKED + b"5\r\nhello\r\nzz\r\n", CLOSE], b"hello", ""),
    "not compressed": (
        [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", CLOSE],
        b"",
        "",
    ),
}


@pytest.mark.parametrize(("answer", "read_before", "error_type"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_is_an_error_of_the_provider(
    answer: Sequence[Step], read_before: bytes, error_type: str, client: str
) -> None:
    async def use(route: Route, server: RawServer) -> None:
        got = b""

        async def read_on() -> None:
            nonlocal got
            response = await route.post(BODY, {})
            try:
                while data := await response.readany():
                    got += data
            finally:
                response.close()

        with pytest.raises(ProviderError) as caught:
            await read_on()
        assert got in (read_before, b"")
        assert caught.value.error_type in ([error_type] if error_type else ["connect", "protocol"])
        assert len(server.requests) == 1

    using(client, [answer, [OK]], use)


REFUSED: dict[str, tuple[bytes, str]] = {
    "an endless head": (
        b"HTTP/1.1 200 OK\r\n" + b"X-A: %b\r\n" % (b"a" * 7_000) * 100,
        "the head of the answer",
    ),
    "too many fields": (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * (FIELDS_MAX + 2), "header fields"),
    "interim answers for ever": (
        b"HTTP/1.1 100 Continue\r\n\r\n" * (INTERIM_MAX + 1),
        "responds with 100 again",
    ),
    "another protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        "responds with 101",
    ),
    "an unknown coding": (b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 1\r\n\r\nx", "zstd"),
    "a cut compressed body": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n" + ZIPPED[:9],
        "cut",
    ),
}


@pytest.mark.parametrize(("answer", "words"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_bound_is_refused(answer: bytes, words: str) -> None:
    async def use(route: Route, server: RawServer) -> None:
        with pytest.raises(ProviderError, match=words) as caught:
            await read(await route.post(BODY, {}))
        assert caught.value.error_type == "protocol"

    assert len(answer) < 11 * HEAD_BYTES_MAX
    using("plain", [[answer, WAIT]], use)


def test_a_body_that_nobody_reads_is_not_kept_in_memory() -> None:
    async def use(route: Route, server: RawServer) -> None:
        response = await route.post(BODY, {})
        assert isinstance(response, PlainResponse)
        paused = asyncio.Event()
        line = response._line
        assert line is not None
        line.pause, pause = paused.set, line.pause  # type: ignore[method-assign]
        await paused.wait()
        pause()
        assert BUFFER_BYTES_MAX < response._size < 4 * BUFFER_BYTES_MAX
        assert len(await read(response)) == 50_000_000

    size = 50_000_000
    using("plain", [[b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size]], use)


def test_a_request_that_is_cancelled_closes_its_connection(client: str) -> None:
    async def use(route: Route, server: RawServer) -> None:
        sent = asyncio.create_task(route.post(BODY, {}))
        await server.asked.wait()
        sent.cancel()
        server.go_on.set()
        await server.left.wait()
        assert sent.cancelled()

    using(client, [[WAIT, b"HTTP/1.1 200 OK\r\n"]], use)


def test_closing_wakes_whoever_waits_for_the_body(client: str) -> None:
    async def use(route: Route, server: RawServer) -> None:
        response = await route.post(BODY, {})
        waiting = asyncio.create_task(response.readany())
        await asyncio.sleep(0)
        response.close()
        with pytest.raises(ProviderError):
            await waiting

    using(client, [[CHUNKED, WAIT]], use)


def test_a_server_that_does_not_listen_is_named(client: str) -> None:
    async def run() -> None:
        async with RawServer([]) as server:
            pass
        async with Transport() as transport:
            with pytest.raises(ProviderError, match=f"127.0.0.1:{server.port}: Connection refused") as caught:
                await route(transport, server.port, client).post(BODY, {})
            assert caught.value.error_type == "connect"

    asyncio.run(run())


def test_a_name_that_nobody_has_is_an_error_of_the_provider() -> None:
    async def run() -> None:
        async with Transport() as transport:
            url = URL("http://no-such-host.invalid:80/v1")
            with pytest.raises(ProviderError, match=r"no-such-host\.invalid") as caught:
                await transport.route(url, {}, proxy=None, connect_timeout_s=5).post(BODY, {})
            assert caught.value.error_type == "connect"

    asyncio.run(run())


def test_an_idle_connection_is_closed_in_time() -> None:
    async def run() -> None:
        async with RawServer([[OK]] * 2) as server:
            pool = Pool(idle_s_max=0.01)
            address = ("127.0.0.1", server.port)
            head = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
            assert await read(await pool.post(address, head, b"", 5)) == b"hello"
            await server.left.wait()
            assert await read(await pool.post(address, head, b"", 5)) == b"hello"
            assert server.connections == 2
            pool.close()

    asyncio.run(run())


@pytest.mark.parametrize("value", ["a\r\nX-Evil: b", "a\x00", "a\x7f"])
def test_a_header_with_control_characters_is_never_sent(value: str) -> None:
    async def run() -> None:
        async with Transport() as transport:
            with pytest.raises(ValueError, match="X-Key"):
                transport.route(URL("http://h/"), {"X-Key": value}, proxy=None, connect_timeout_s=1)

    asyncio.run(run())
