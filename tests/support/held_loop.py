"""How long single calls keep an event loop, in CPU time of its thread, which a busy machine does not change."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Held:
    longest_s: float = 0.0
    too_long: list[str] = field(default_factory=list)
    """What kept the loop for longer than it may, and for how long."""


@contextmanager
def held_loop(held_s_max: float) -> Iterator[Held]:
    """Watch the loops of this process."""
    held = Held()
    plain: Any = asyncio.events.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        started = time.thread_time()
        plain(handle)
        held_s = time.thread_time() - started
        held.longest_s = max(held.longest_s, held_s)
        if held_s > held_s_max:
            held.too_long.append(f"the loop was held for {held_s:.3f} s by {handle!r}")

    asyncio.events.Handle._run = measured  # type: ignore[method-assign, assignment]
    try:
        yield held
    finally:
        asyncio.events.Handle._run = plain  # type: ignore[method-assign]
