"""Deadlines of many requests, watched by one timer: a timer for each would cost more than most requests."""

import asyncio
from types import TracebackType
from typing import Protocol


class Watched(Protocol):
    def overdue(self) -> None:
        """Called once, unless it has ended before."""
        ...


class Deadlines:
    """Deadlines `after_s` from each start; nearly everything ends long before."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._due_at: dict[Watched, float] = {}  # in the order of their begin, which is that of the deadlines
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, watched: Watched) -> None:
        loop = asyncio.get_running_loop()
        self._due_at[watched] = loop.time() + self._after_s
        if self._timer is None:
            self._timer = loop.call_later(self._after_s, self._look)

    def end(self, watched: Watched) -> None:
        self._due_at.pop(watched, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = None
        for watched, due_at in list(self._due_at.items()):
            if due_at > now:
                self._timer = loop.call_at(due_at, self._look)
                break
            del self._due_at[watched]
            watched.overdue()


class TimeLimit:
    """Ends its block with a TimeoutError at the deadline, like `asyncio.timeout`."""

    __slots__ = ("_cancelling", "_deadlines", "_is_over", "_task")

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._is_over = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._deadlines.begin(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._deadlines.end(self)
        if self._is_over and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def overdue(self) -> None:
        self._is_over = True
        self._task.cancel()
