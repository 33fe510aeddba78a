"""Reloading the configuration."""

import asyncio
import logging
from pathlib import Path

from coderouter_events import events, sd_notify
from coderouter_events.sd_notify import Notify
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.profiles import UnknownMode
from coderouter_proxy.routing.router import Routing, Runtime
from coderouter_proxy.server.config_events import config_event
from coderouter_proxy.settings.launch import LaunchOptions, Settings, read_settings

ERRORS_REPORTED_MAX = 10
KEPT = "the configuration is invalid; keeping the previous one"

log = logging.getLogger(__name__)


def new_routing(settings: Settings, transport: Transport) -> Routing:
    return Routing.of(settings.config, settings.default, settings.launch.host, settings.rules, transport)


def reloaded(launch: LaunchOptions) -> str:
    """Return the log line and service status of a successful reload."""
    return f"reloaded {launch.config_path or 'the built-in configuration'}"


async def reload_config(
    launch: LaunchOptions, runtime: Runtime, transport: Transport, notify: Notify
) -> None:
    """Switch to the configuration as its files are now, if it is valid; requests in flight keep the previous one.

    It is read and prepared in a thread: a large one takes a second, in which requests are answered.
    """
    notify(*sd_notify.reloading())
    try:
        settings = await asyncio.to_thread(read_settings, launch)
    except (ConfigErrors, UnknownMode) as error:
        lines = str(error).splitlines()
        log.error("%s:\n%s", KEPT, "\n".join(lines))
        runtime.emit(events.ConfigReloadFailed(faults=lines[:ERRORS_REPORTED_MAX]))
        notify(sd_notify.READY, sd_notify.status(KEPT))
        return
    routing = await asyncio.to_thread(new_routing, settings, transport)
    await _replace_budgets(runtime, settings.spend_path)
    runtime.routing = routing
    runtime.queues.set_limits(routing.config.providers)
    runtime.contexts.doubted.set()
    result = reloaded(launch)
    log.info("%s", result)
    for line in settings.notes_shown():
        log.warning("%s", line)
    runtime.emit(config_event(events.ConfigReloaded, settings))
    notify(sd_notify.READY, sd_notify.status(result))


async def _replace_budgets(runtime: Runtime, path: Path | None) -> None:
    if path in (None, runtime.budgets.path):
        return  # without a path no provider has a budget any more, but those of requests in flight may
    previous = runtime.budgets
    budgets = await asyncio.to_thread(Budgets, path)  # reads the file, which may be locked
    budgets.start()
    runtime.budgets = budgets
    await asyncio.to_thread(previous.close)
