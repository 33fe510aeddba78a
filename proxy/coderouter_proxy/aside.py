"""Work on large inputs is done in a thread, while the event loop serves others."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

ANSWER_BYTES_INLINE_MAX: Final = 256 * 1024
REQUEST_BYTES_INLINE_MAX: Final = 64 * 1024
"""Translating a request of this size takes 30 ms if it consists of small pieces."""

Result = TypeVar("Result")


async def unless_small(size: int, inline_max: int, work: Callable[[], Result]) -> Result:
    """Return the result of the work, done in a thread if the size of its input is above `inline_max`."""
    return work() if size <= inline_max else await asyncio.to_thread(work)
