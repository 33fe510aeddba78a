"""A server that works on each request for a while, as a local GPU does, and knows how many it had at once."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from support.proxy import openai_answers as says
from support.proxy import server_thread
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
    slow = SlowServer(work_s=work_s)
    with server_thread.serving(slow.handle) as port:
        slow.port = port
        slow.base_url = f"http://127.0.0.1:{port}/v1"
        yield slow
