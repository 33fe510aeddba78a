"""Blocks that are open at the same time, one after the other."""

from collections import OrderedDict

from coderouter_proxy.request import Body


class InSequence:
    """Puts the events of blocks in sequence, as the API reference has them: those behind a call wait for its end.

    Linear in the number of events.
    """

    def __init__(self) -> None:
        self._open: int | None = None  # the block that others wait for
        self.waiting: OrderedDict[int, list[Body]] = OrderedDict()
        """The events of blocks behind it, by index; while there are none, each delta is ready."""

    def ready(self, chunk: Body) -> list[Body]:
        """Return the events whose turn it is now that this one has arrived."""
        kind, index = chunk.get("type"), chunk.get("index")
        if kind == "message_delta":
            return [*self.end(), chunk]
        if not isinstance(index, int):
            return [chunk]
        if (events := self.waiting.get(index)) is not None:
            events.append(chunk)
            return []
        if kind == "content_block_start":
            if self._open is not None and self._open != index:
                self.waiting[index] = [chunk]
                return []
            block = chunk.get("content_block")
            self._open = index if isinstance(block, dict) and block.get("type") == "tool_use" else None
        elif kind == "content_block_stop" and index == self._open:
            return [chunk, *self._released()]
        return [chunk]

    def end(self) -> list[Body]:
        """Return the events that still wait."""
        waiting = [chunk for events in self.waiting.values() for chunk in events]
        self.waiting.clear()
        self._open = None
        return waiting

    def _released(self) -> list[Body]:
        """Return the events of the blocks that have ended, and of the one behind them."""
        released: list[Body] = []
        self._open = None
        while self.waiting and self._open is None:
            index, events = self.waiting.popitem(last=False)
            released += events
            if events[-1].get("type") != "content_block_stop":
                self._open = index
        return released
