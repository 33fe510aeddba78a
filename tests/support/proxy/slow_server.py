"""A server that works on each request for a while, as a local GPU does, and knows how many it had at once."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from support.proxy import openai_answers as says
from support.proxy.upstream import WAIT_S

HOLD = "hold"
"""The `user` of requests that are never answered."""


@dataclass(kw_only=True)
class SlowServer:
    base_url: str = ""
    port: int = 0
    work_s: float
    in_progress: int = 0
    in_progress_max: int = 0
    served: Counter[str] = field(default_factory=Counter)
    """Answers by the `user` of their requests."""
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, in_progress: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.in_progress == in_progress, WAIT_S), self.in_progress

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
                user = json.loads(await reader.readexactly(length)).get("user", "")
                self._count(1)
                try:
                    await (reader.readexactly(1) if user == HOLD else asyncio.sleep(self.work_s))
                finally:
                    self._count(-1)
                self.served[user] += 1
                writer.writelines(step for step in says.answer() if isinstance(step, bytes))
        writer.close()

    def _count(self, change: int) -> None:
        with self._changed:
            self.in_progress += change
            self.in_progress_max = max(self.in_progress_max, self.in_progress)
            self._changed.notify_all()


@contextmanager
def serving(work_s: float = 0.0) -> Iterator[SlowServer]:
    """Run the server in its own thread, on a free port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    slow = SlowServer(work_s=work_s)

    async def start() -> asyncio.Server:
        server = await asyncio.start_server(slow.handle, "127.0.0.1", 0)
        slow.port = server.sockets[0].getsockname()[1]
        slow.base_url = f"http://127.0.0.1:{slow.port}/v1"
        return server

    async def stop(server: asyncio.Server) -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(WAIT_S)
    try:
        yield slow
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(WAIT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)
        loop.close()
