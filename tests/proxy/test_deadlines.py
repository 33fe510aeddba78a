"""Deadlines of many requests, watched by one timer."""

import asyncio

import pytest

from coderouter_http.deadlines import Deadlines, TimeLimit

SHORT_S = 0.01


class Watched:
    def __init__(self) -> None:
        self.is_over = asyncio.Event()

    def overdue(self) -> None:
        self.is_over.set()


def test_only_what_has_not_ended_is_overdue_also_what_begins_after_a_deadline() -> None:
    async def run() -> None:
        deadlines = Deadlines(SHORT_S)
        ended, *late = [Watched() for _ in range(3)]
        for each in (ended, late[0]):
            deadlines.begin(each)
        deadlines.end(ended)
        await late[0].is_over.wait()
        deadlines.begin(late[1])
        await late[1].is_over.wait()
        assert not ended.is_over.is_set()

    asyncio.run(asyncio.wait_for(run(), 10))


def test_a_block_that_takes_too_long_ends_with_a_timeout_error() -> None:
    async def run() -> None:
        with pytest.raises(TimeoutError), TimeLimit(Deadlines(SHORT_S)):
            await asyncio.Event().wait()
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()

    asyncio.run(asyncio.wait_for(run(), 10))


def test_a_cancellation_from_outside_stays_one() -> None:
    async def waits(begun: asyncio.Event) -> None:
        with TimeLimit(Deadlines(3600)):
            begun.set()
            await asyncio.Event().wait()

    async def run() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(waits(begun))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(run(), 10))
