"""The view of the last commit that a response shows."""

import asyncio
import time

from coderouter_exporter.engine.loop import Engine
from coderouter_exporter.engine.published import Published
from coderouter_exporter.families.exporter import EVENTS_READ
from coderouter_exporter.http.proxy_liveness import ProxyLiveness
from coderouter_exporter.render.view import View

DRAIN_S_MAX = 1.0


class Views:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._liveness = ProxyLiveness()

    async def after_pass(self) -> Published:
        """Return what is published once every event written before this call is counted, or that takes too long."""
        await asyncio.wait([asyncio.wrap_future(self._engine.next_pass())], timeout=DRAIN_S_MAX)
        return self._engine.published

    def view(self, published: Published) -> View:
        state = published.document.decode()
        paths = (source.path for source in published.sources)
        events_read = sum(state.counts.get(EVENTS_READ.name, {}).values())
        alive = self._liveness.probe(paths, events_read if published.caught_up else None)
        return View(state=state, now_ts=time.time(), published=published, alive=alive)
