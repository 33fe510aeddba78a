"""Recognise events of a Responses stream that differ from the one before in nothing but their number and their text.

This is faster than to look at each of their fields, and nearly every event of an answer is one.
"""

import re

import orjson

from coderouter_proxy.request import Body

LEARN_MAX = 8
"""In a row and in vain: of servers whose frames differ each time, nothing is learnt."""

_NUMBER = re.compile(rb'"sequence_number": ?(\d+)')


class Run:
    """The frame of the newest event that added text, around its number and its text."""

    def __init__(self) -> None:
        self._before = b""
        self._between = b""
        self._after = b""
        self._number_is_first = False
        self._left = LEARN_MAX

    def learn(self, event: bytes, kind: str, chunk: Body) -> None:
        """Take the frame of an event that adds text, if it is written as usual and both are found in it once."""
        self._before = b""
        usual = event.startswith(b"event: %b\ndata: " % kind.encode()) and event.count(b"\n") == 3
        if not usual or "error" in chunk or self._left <= 0:
            return
        self._left -= 1
        quoted = orjson.dumps(chunk["delta"])
        numbers = list(_NUMBER.finditer(event))
        if len(numbers) != 1 or event.count(quoted) != 1:
            return
        number, text = numbers[0].span(1), (event.index(quoted) + 1, event.index(quoted) + len(quoted) - 1)
        self._number_is_first = number < text
        (a, b), (c, d) = sorted((number, text))
        if b <= c:
            self._before, self._between, self._after = event[:a], event[b:c], event[d:]
            self._left = LEARN_MAX

    def over(self) -> None:
        """Forget the frame: the next event is about something else."""
        self._before = b""

    def continues(self, event: bytes, number: int) -> bool:
        """Return whether the event is the next one of the run, and has this number."""
        if not self._before:
            return False
        first, last = self._before, self._after
        if self._number_is_first:
            first = b"%b%d%b" % (first, number, self._between)
        else:
            last = b"%b%d%b" % (self._between, number, last)
        if not (event.startswith(first) and event.endswith(last)):
            return False
        try:
            return type(orjson.loads(b'"%b"' % event[len(first) : -len(last)])) is str
        except orjson.JSONDecodeError:
            return False
