"""What one proxy process does besides answering requests, from startup to shutdown."""

import asyncio
import gc
import multiprocessing
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType

from coderouter_events import events
from coderouter_events.lock import LivenessLock
from coderouter_events.sd_notify import Notify
from coderouter_http.protocol.refusals import Reason, Refusals
from coderouter_proxy.eventlog.writer import EventLog
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.routing.router import Runtime
from coderouter_proxy.server import windows
from coderouter_proxy.server.background import background
from coderouter_proxy.server.config_events import config_event
from coderouter_proxy.server.parent_death import end_with_parent
from coderouter_proxy.server.reload import reload_config
from coderouter_proxy.settings.launch import Settings

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Handled by every process, and held back until it is able to."""
HEARTBEAT_S = 15
BACKLOG_RETRY_S = 0.1
STATM = Path("/proc/self/statm")


@asynccontextmanager
async def lifecycle(
    settings: Settings,
    runtime: Runtime,
    event_log: EventLog,
    transport: Transport,
    notify: Notify,
    refusals: Refusals,
) -> AsyncIterator[None]:
    """Emit startup, heartbeat and shutdown events, reload the configuration on SIGHUP, and keep budgets written."""
    if multiprocessing.parent_process() is not None:
        end_with_parent()
    stop_signals = _record_stop_signals()
    reload_requested = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload_requested.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    _relax_gc()
    runtime.budgets.start()
    await runtime.queues.start()
    startup = config_event(events.Startup, settings)
    startup.ended_writers = event_log.take_over()
    event_log.write(startup)
    event_log.note_numbers()
    event_log.settle()
    lock = LivenessLock(settings.launch.events_path)

    async def heartbeat() -> None:
        while True:
            lock.hold()
            event_log.write(_heartbeat(runtime, event_log, refusals.take()))
            event_log.note_numbers()
            await asyncio.sleep(HEARTBEAT_S)

    async def write_backlog() -> None:
        """Write events that wait for the event file, even if no further event comes, and those of earlier processes."""
        while True:
            await asyncio.sleep(BACKLOG_RETRY_S if event_log.backlog else HEARTBEAT_S)
            event_log.retry()
            event_log.settle()

    async def reload_on_request() -> None:
        while True:
            await reload_requested.wait()
            reload_requested.clear()
            await reload_config(settings.launch, runtime, transport, notify)

    async def keep_contexts() -> None:
        await windows.keep(runtime.contexts)

    reader = windows.WindowReader(runtime)
    async with background(heartbeat, write_backlog, reload_on_request, reader.run, keep_contexts):
        yield
    await windows.saved(runtime.contexts)
    await asyncio.to_thread(runtime.budgets.close)
    if refused := refusals.take():
        event_log.write(_heartbeat(runtime, event_log, refused))
    event_log.write(events.Shutdown(reason=stop_signals[0] if stop_signals else "stopped"))
    event_log.close()
    lock.release()


def _record_stop_signals() -> list[str]:
    """Return a list that gets the name of each signal that stops the server; its own handler still runs."""
    names: list[str] = []
    for signum in (signal.SIGINT, signal.SIGTERM):
        handle = signal.getsignal(signum)

        def record(number: int, frame: FrameType | None, handle: object = handle) -> None:
            names.append(signal.Signals(number).name)
            if callable(handle):
                handle(number, frame)

        signal.signal(signum, record)
    return names


def _relax_gc() -> None:
    """Collect cycles less often: reference counts free what requests allocate, and the default takes 10 % of each."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


def _heartbeat(runtime: Runtime, event_log: EventLog, refused: Counter[Reason]) -> events.Heartbeat:
    limited = [each.name for each in runtime.routing.config.providers if each.max_in_flight is not None]
    counts = {name: runtime.queues.counts(name) for name in limited}
    return events.Heartbeat(
        in_flight=runtime.in_flight,
        provider_in_flight={name: in_flight for name, (in_flight, _) in counts.items()},
        provider_waiting={name: waiting for name, (_, waiting) in counts.items()},
        rss_bytes=_rss_bytes(),
        events_dropped=event_log.dropped,
        refused_connections=refused["connections"],
        refused_requests=refused["requests"],
        refused_bodies=refused["bodies"],
        closed_slow=refused["slow"],
    )


def _rss_bytes() -> int:
    """Return the resident memory of this process; without /proc, as on macOS, the most it ever was."""
    try:
        pages = int(STATM.read_text(encoding="ascii").split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")
