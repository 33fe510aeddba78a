"""Event lines of whole requests, as a proxy writes them."""

from itertools import count
from typing import Any

from support.exporter.process import line
from support.exporter.sample_events import utc


class Requests:
    """Writes the lines of one process, one after the other, from `begin` on."""

    def __init__(self, begin: float, writer: str = "writer-1") -> None:
        self.now = begin
        self.writer = writer
        self._seq = count(1)

    def line(self, msg: str, **fields: Any) -> bytes:
        return line(msg, ts=utc(self.now), writer=self.writer, seq=next(self._seq), **fields)

    def answered(self, request_id: str, provider: str = "ollama", **more: Any) -> bytes:
        """Return the lines of a request that the provider answers within a second."""
        tried = self.line("try-provider", request_id=request_id, provider=provider, stream=False)
        self.now += 1
        ok = self.line("provider-ok", request_id=request_id, provider=provider, stream=False, duration_s=1.0)
        return tried + ok + self.finished(request_id, provider=provider, duration_s=1.0, **more)

    def finished(self, request_id: str, **more: Any) -> bytes:
        fields: dict[str, Any] = {
            "ingress": "openai",
            "profile": "coding",
            "stream": False,
            "outcome": "ok",
            "status": 200,
            "provider": "ollama",
            "model": "m",
            "attempts": 1,
            "duration_s": 0.0,
            "input_tokens": 10,
            "output_tokens": 5,
            "stop_reason": "stop",
        }
        return self.line("request-finished", request_id=request_id, **(fields | more))
