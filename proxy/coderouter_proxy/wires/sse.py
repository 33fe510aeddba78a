"""Cut a byte stream into server-sent events (WHATWG HTML, section 9.2.6)."""

from typing import NamedTuple

BUFFER_BYTES_MAX = 16 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class TooLong(Exception):
    """An event is longer than `BUFFER_BYTES_MAX`."""


class EventBuffer:
    """Holds back the incomplete end of a stream, so that only whole events are passed on.

    Lines of what it returns end with a line feed, whatever they ended with, and a byte order mark is left out.
    """

    def __init__(self) -> None:
        self.first = b""
        """The first byte that is not white space; none yet if empty."""
        self._rest = bytearray()
        self._mark = b""  # the part of a byte order mark that has arrived
        self._begun = False
        self._ended_with_cr = False

    @property
    def rest(self) -> bytes:
        return bytes(self._rest)

    def feed(self, data: bytes) -> bytes:
        """Return the events that are complete by now, with their blank lines; possibly none.

        Raises:
            TooLong: an event does not end.
        """
        if not self._begun:
            data = self._without_mark(data)
        if self._ended_with_cr or b"\r" in data:
            data = self._with_line_feeds(data)
        if not self.first:
            self.first = data.lstrip()[:1]
        rest = self._rest
        searched = max(0, len(rest) - 1)
        if not rest and data.endswith(b"\n\n"):
            return data
        rest += data
        end = rest.rfind(b"\n\n", searched) + 2
        whole = b""
        if end > 1:
            whole = bytes(rest[:end])
            del rest[:end]
        if len(rest) > BUFFER_BYTES_MAX:
            raise TooLong
        return whole

    def _without_mark(self, data: bytes) -> bytes:
        data = self._mark + data
        if len(data) < len(BYTE_ORDER_MARK) and BYTE_ORDER_MARK.startswith(data):
            self._mark = data
            return b""
        self._begun = True
        return data.removeprefix(BYTE_ORDER_MARK)

    def _with_line_feeds(self, data: bytes) -> bytes:
        """Return the data with CRLF and CR as LF; the two bytes of a CRLF may be in different pieces."""
        if self._ended_with_cr and data:
            data = data.removeprefix(b"\n")
            self._ended_with_cr = False
        self._ended_with_cr = self._ended_with_cr or data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


class Event(NamedTuple):
    """What an event holds: its type, its data in one piece, and its comments as lines of their own."""

    name: bytes
    data: bytes
    comments: bytes


def read(event: bytes) -> Event:
    """Return what an event holds; other fields, and a byte order mark before it, are ignored."""
    name = b""
    data: list[bytes] = []
    comments: list[bytes] = []
    for line in event.removeprefix(BYTE_ORDER_MARK).split(b"\n"):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif line.startswith(b":"):
            comments.append(line)
    return Event(name, b"\n".join(data), b"\n".join(comments))


def from_json(body: bytes) -> bytes:
    """Return a JSON body, or one JSON value a line, as events."""
    lines = [line for line in body.splitlines() if line.strip()]
    return b"".join(of_lines(body)) or _event(b" ".join(lines))


def of_lines(data: bytes) -> list[bytes]:
    """Return the events for data that holds one JSON value a line; none if it is not like that."""
    if b"\n" not in data and b"\r" not in data:
        return []
    lines = [line for line in data.splitlines() if line.strip()]
    each = (
        len(lines) > 1
        and lines[0].rstrip().endswith(b"}")
        and lines[1].lstrip().startswith((b"{", b"[DONE]"))
    )
    return list(map(_event, lines)) if each else []


def _event(line: bytes) -> bytes:
    return b"data: %b\n\n" % line
