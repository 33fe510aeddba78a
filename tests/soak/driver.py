"""Clients that send requests at a steady rate and count the answers."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import uvloop

CONNECTIONS = 16
RETRY_S = 0.05
FALLBACK_EVERY = 10
"""One in this many requests goes to the profile whose first provider is down."""


class Driver:
    def __init__(self, port: int, requests_per_s: float) -> None:
        self.answered: Counter[str] = Counter()
        """By profile."""
        self.unanswered = 0
        """Sent to a proxy that was not running, or that ended before it had read the request."""
        self.unexpected: list[str] = []
        self._port = port
        self._interval_s = CONNECTIONS / requests_per_s
        self._stopping = False

    def run(self) -> None:
        uvloop.run(self._run())

    def stop(self) -> None:
        """Send no more requests, but wait for the answers to those in flight."""
        self._stopping = True

    async def _run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(CONNECTIONS)))

    async def _client(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._interval_s * number / CONNECTIONS
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self._stopping:
            await asyncio.sleep(due - loop.time())
            due = max(
                due + self._interval_s, loop.time()
            )  # a request that could not be sent in time is skipped
            number += 1
            profile = "fallback" if number % FALLBACK_EVERY == 0 else "default"
            try:
                connection = connection or await asyncio.open_connection("127.0.0.1", self._port)
                await self._send(profile, *connection)
            except (OSError, asyncio.IncompleteReadError):
                self.unanswered += 1
                if connection is not None:
                    connection[1].close()
                connection = None
                await asyncio.sleep(RETRY_S)
        if connection is not None:
            connection[1].close()

    async def _send(self, profile: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = orjson.dumps({"profile": profile, "messages": [{"role": "user", "content": "Go on."}]})
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        answer = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
        self.answered[profile] += 1
        if not head.startswith(b"http/1.1 200"):
            self.unexpected.append(f"{head!r} {answer[:200]!r}")


@contextmanager
def driving(port: int, requests_per_s: float) -> Iterator[Driver]:
    """Run the driver in a thread until the block ends; its counts are complete then."""
    driver = Driver(port, requests_per_s)
    thread = threading.Thread(target=driver.run)
    thread.start()
    try:
        yield driver
    finally:
        driver.stop()
        thread.join()
