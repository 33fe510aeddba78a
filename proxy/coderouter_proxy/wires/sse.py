"""Cut a byte stream into server-sent events (WHATWG HTML, section 9.2.6)."""

from collections.abc import Iterator

BUFFER_BYTES_MAX = 16 * 1024 * 1024


class TooLong(Exception):
    """An event is longer than `BUFFER_BYTES_MAX`."""


class EventBuffer:
    """Holds back the incomplete end of a stream, so that only whole events are passed on."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def rest(self) -> bytes:
        return self._rest

    def feed(self, data: bytes) -> bytes:
        """Return the events that are complete by now, unchanged and with their blank lines; possibly none.

        Raises:
            TooLong: an event does not end.
        """
        if self._rest:
            data = self._rest + data
        end = max(_after(data, b"\n\n"), _after(data, b"\r\n\r\n"))
        self._rest = data[end:]
        if len(self._rest) > BUFFER_BYTES_MAX:
            raise TooLong
        return data[:end]


def _after(data: bytes, blank: bytes) -> int:
    found = data.rfind(blank)
    return found + len(blank) if found >= 0 else 0


def may_not_be_json(whole: bytes) -> bool:
    """Return whether the data of any event may be something other than one JSON object on one line.

    A quick check; False is always right, because line breaks inside JSON strings are escaped.
    """
    return whole.count(b"data:") != whole.count(b"}\n")


def split(whole: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each event unchanged, with its data; comments have none."""
    for event in whole.replace(b"\r\n", b"\n").split(b"\n\n"):
        if event:
            lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
            yield event + b"\n\n", b"\n".join(lines)
