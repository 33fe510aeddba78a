"""A socket that receives what a service reports to systemd."""

import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.processes import eventually

MESSAGE_BYTES_MAX = 4096

Message = Mapping[str, str]


class NotifySocket:
    def __init__(self, sock: socket.socket, env: Mapping[str, str]) -> None:
        self.env = env
        """The variables that make a service report to this socket."""
        self._sock = sock
        self._received: list[Message] = []

    def messages(self, name: str | None = None) -> list[Message]:
        """Return all messages so far in order of arrival, or only those that set `name`."""
        while True:
            try:
                message = self._sock.recv(MESSAGE_BYTES_MAX).decode()
            except BlockingIOError:
                return [message for message in self._received if name is None or name in message]
            self._received.append(dict(line.split("=", 1) for line in message.splitlines()))

    def forget(self) -> None:
        self.messages()
        self._received.clear()

    def wait_for(self, name: str, like: Callable[[str], bool] = bool, within_s: float = 30) -> Message:
        """Wait for a message that sets `name` to a value accepted by `like`, and return the first one."""
        found = eventually(
            lambda: [message for message in self.messages(name) if like(message[name])], within_s
        )
        return found[0]


@contextmanager
def notify_socket(folder: Path | None = None, watchdog_s: float | None = None) -> Iterator[NotifySocket]:
    """Listen in the folder, or without one in the abstract namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        name = str(folder / "notify.sock") if folder else f"@{secrets.token_hex(8)}"
        sock.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        sock.settimeout(0)
        watched = {} if watchdog_s is None else {"WATCHDOG_USEC": str(int(watchdog_s * 1e6))}
        yield NotifySocket(sock, {"NOTIFY_SOCKET": name, **watched})
