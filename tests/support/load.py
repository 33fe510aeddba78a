"""Clients that keep a proxy busy and check every answer."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

REQUEST = json.dumps({"messages": [{"role": "user", "content": "a few words to repeat"}]})
STREAMED = json.dumps({"messages": [{"role": "user", "content": "a few words to repeat"}], "stream": True})


class Load:
    """The answers so far; a refused connection is tried again and not counted. `unexpected` should stay empty."""

    def __init__(self, port: int) -> None:
        self.answered = 0
        self.unexpected: list[str] = []
        self._port = port
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def run(self) -> None:
        for body in self._bodies():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            try:
                connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                answer = response.read()
            except (ConnectionError, http.client.RemoteDisconnected):
                continue
            finally:
                connection.close()
            with self._lock:
                self.answered += 1
                if response.status != 200 or (body is STREAMED and not answer.endswith(b"data: [DONE]\n\n")):
                    self.unexpected.append(f"{response.status} {answer[-200:]!r}")

    def _bodies(self) -> Iterator[str]:
        while not self._stop.is_set():
            yield REQUEST
            yield STREAMED

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def loading(port: int, clients: int) -> Iterator[Load]:
    """Run the clients until the block ends or `stop` is called, then wait for their last answers."""
    load = Load(port)
    threads = [threading.Thread(target=load.run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stop()
        for thread in threads:
            thread.join()
