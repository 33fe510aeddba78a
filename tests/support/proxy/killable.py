"""A provider in a process of its own, which a test can kill and start again: its answers are the word that it is given.

A stream to the `user` `hold` stops after the first word, and continues never.
"""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.processes import Command, free_port, running

HOLD = "hold"


class Killable:
    """The provider; it runs after `start`, on the same port each time."""

    def __init__(self, name: str, stack: ExitStack) -> None:
        self.name = name
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self._stack = stack
        self._command: Command | None = None

    def start(self) -> None:
        command = running(sys.executable, "-c", PROGRAM, str(self.port), self.name)
        self._command = self._stack.enter_context(command)
        self._command.wait_for_port(self.port)

    def kill(self) -> None:
        assert self._command is not None
        self._command.stop(signal.SIGKILL)


@contextmanager
def serving(*names: str) -> Iterator[list[Killable]]:
    with ExitStack() as stack:
        providers = [Killable(name, stack) for name in names]
        for each in providers:
            each.start()
        yield providers


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    word = ""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = {"id": "chatcmpl-1", "created": 1, "model": self.word}
        said = {"role": "assistant", "content": self.word}
        if not body.get("stream"):
            choice = {"index": 0, "message": said, "finish_reason": "stop"}
            usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
            answer = {**known, "object": "chat.completion", "choices": [choice], "usage": usage}
            self._send("application/json", json.dumps(answer).encode())
            return
        choice = {"index": 0, "delta": said, "finish_reason": None}
        chunk = {**known, "object": "chat.completion.chunk", "choices": [choice]}
        self._send(
            "text/event-stream", f"data: {json.dumps(chunk)}\n\n".encode(), longer=body["user"] == HOLD
        )
        if body["user"] == HOLD:
            threading.Event().wait()

    def do_GET(self) -> None:
        self.send_error(404)

    def _send(self, content_type: str, data: bytes, *, longer: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data) + longer))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
        """Say nothing."""


def main() -> None:
    port, _Handler.word = int(sys.argv[1]), sys.argv[2]
    ThreadingHTTPServer(("127.0.0.1", port), _Handler).serve_forever()


PROGRAM = f"import sys; sys.path[:] = {sys.path!r}; from support.proxy.killable import main; main()"
