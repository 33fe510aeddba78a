"""Compare answers by content, however it was cut into pieces."""

from collections.abc import Iterable

from coderouter_proxy.wires.deltas import Arguments, Delta, Text, Thinking


def joined(deltas: Iterable[Delta]) -> list[Delta]:
    """Return the deltas with adjacent pieces of one kind joined."""
    whole: list[Delta] = []
    for delta in deltas:
        last = whole[-1] if whole else None
        if isinstance(delta, (Text, Thinking, Arguments)) and type(last) is type(delta):
            assert isinstance(last, (Text, Thinking, Arguments))
            whole[-1] = type(delta)(last.text + delta.text)
        else:
            whole.append(delta)
    return whole
