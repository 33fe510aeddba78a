"""Recognise events that differ from an earlier one in nothing but their text.

Servers write the same frame around each piece of an answer. Such events are checked many at a time, and faster than
JSON can be parsed or searched.
"""

from collections.abc import Callable

import orjson

from coderouter_proxy.request import Body

LEARN_MAX = 8
"""Frames learnt in one answer; a server whose frames always differ is not worth more."""

_PROBE = "\ue000probe"
_NEXT_LINE = b'",\n"'  # a JSON string has no line break, so that no text can be read as two, or two as one


class Alike:
    """The frame of one answer's latest text: what comes before it in an event, and what after it."""

    def __init__(self) -> None:
        self._before = b""
        self._after = b""
        self._between = b""
        self._left = LEARN_MAX

    def learn(self, event: bytes, delta: Body, read: Callable[[bytes], Body | None]) -> None:
        """Take the frame of an event whose chunk has this delta; `read` returns the delta in an event like it."""
        if self._left <= 0:
            return
        self._left -= 1
        texts = [(name, text) for name, text in delta.items() if isinstance(text, str) and text]
        for name, text in texts:
            quoted = orjson.dumps(text)
            if event.count(quoted) == 1:
                before, after = event.split(quoted)
                if read(before + orjson.dumps(_PROBE) + after) == {**delta, name: _PROBE}:
                    self._before, self._after = before + b'"', b'"' + after
                    self._between = self._after + self._before

    def end_of_run(self, events: bytes, at: int) -> int:
        """Return the end of the run of such events that begins there; 0 if there is none.

        Other events may only follow it.
        """
        before, after = self._before, self._after
        if not before or not events.startswith(before, at):
            return 0
        text = events[at + len(before) : -len(after)]
        if b"\n" not in text and events.endswith(after):  # as it is when a model is slower than the network
            return len(events) if _are_texts(text, 1) else 0
        lines = events[at:].split(b"\n")[before.count(b"\n") :: self._between.count(b"\n")]
        first, last = before.rpartition(b"\n")[2], after.partition(b"\n")[0]
        while lines and not (lines[-1].startswith(first) and lines[-1].endswith(last)):
            lines.pop()
        texts = [line[len(first) : -len(last)] for line in lines]
        run = before + self._between.join(texts) + after
        return (
            at + len(run)
            if events.startswith(run, at) and _are_texts(_NEXT_LINE.join(texts), len(texts))
            else 0
        )


def _are_texts(joined: bytes, count: int) -> bool:
    """Return whether these are as many texts as are between the quotes of JSON strings."""
    try:
        return len(orjson.loads(b'["' + joined + b'"]')) == count
    except orjson.JSONDecodeError:
        return False
