"""Work on large inputs is done in a thread, while the event loop serves others."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

ANSWER_BYTES_INLINE_MAX: Final = 256 * 1024
REQUEST_BYTES_INLINE_MAX: Final = 64 * 1024
"""A request in small pieces takes 30 ms of work for this much, if it is translated."""

Result = TypeVar("Result")


async def unless_small(size: int, inline_max: int, work: Callable[[], Result]) -> Result:
    """Return the result of the work, which is done in a thread if its input is larger than that."""
    return work() if size <= inline_max else await asyncio.to_thread(work)
