"""Reads the contexts of servers on this machine and network, in the background, and keeps what is learnt of them."""

import asyncio
import logging
from dataclasses import dataclass

from coderouter_events.reasons import reason_of
from coderouter_proxy.config.addresses import is_local
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.client import ProviderClient
from coderouter_proxy.routing.contexts import Contexts
from coderouter_proxy.routing.router import Routing, Runtime

READ_S_MAX = 10.0
RETRY_S, RETRY_S_MAX = 5.0, 300.0
SAVE_S = 5.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Reading:
    """When the server of a provider is read next, on the clock of the event loop; None if there is no need."""

    provider: Provider
    due_at: float | None
    wait_s: float = RETRY_S


class WindowReader:
    """Reads the window of each provider that does not declare one: once, after a failure, and after a reload."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._readings: dict[str, _Reading] = {}
        self._routing: Routing | None = None

    async def run(self) -> None:
        """Read forever."""
        contexts, loop = self._runtime.contexts, asyncio.get_running_loop()
        while True:
            self._plan(loop.time())
            clients = self._runtime.routing.clients
            due = [clients[name] for name, each in self._readings.items() if _is_due(each, loop.time())]
            await asyncio.gather(*map(self._read, due))
            times = [each.due_at for each in self._readings.values() if each.due_at is not None]
            wait_s = max(0.0, min(times) - loop.time()) if times else None
            try:
                async with asyncio.timeout(wait_s):
                    await contexts.doubted.wait()
            except TimeoutError:
                continue

    def _plan(self, now: float) -> None:
        """Plan to read what is new since the last reload, and what is doubted."""
        routing, doubted = self._runtime.routing, self._runtime.contexts.take_doubted()
        if routing is not self._routing:
            self._routing = routing
            self._readings = {
                name: _Reading(client.provider, now)
                for name, client in routing.clients.items()
                if routing.capabilities[name].max_context_tokens is None and is_local(client.provider)
            }
        for name in doubted & self._readings.keys():
            reading = self._readings[name]
            if reading.due_at is None:
                reading.due_at, reading.wait_s = now + RETRY_S, RETRY_S

    async def _read(self, client: ProviderClient) -> None:
        provider = client.provider
        window, final = None, False
        try:
            async with asyncio.timeout(READ_S_MAX):
                found = await client.context_window()
            window, final = found.tokens, found.final
        except (ProviderError, TimeoutError) as error:
            log.debug(
                "provider %s: its context cannot be read: %s",
                provider.name,
                str(error) or "no answer in time",
            )
        except Exception:
            log.exception("provider %s: reading its context failed because of a bug", provider.name)
        if self._runtime.contexts.read(provider, window) and window is not None:
            log.info("provider %s: its server has a context of %d tokens", provider.name, window)
        reading = self._readings[provider.name]
        if final:
            reading.due_at = None
        else:
            reading.due_at = asyncio.get_running_loop().time() + reading.wait_s
            reading.wait_s = min(RETRY_S_MAX, reading.wait_s * 2)


async def keep(contexts: Contexts) -> None:
    """Write what is learnt, forever."""
    failing = False
    while True:
        await asyncio.sleep(SAVE_S)
        failing = not await saved(contexts, quietly=failing)


async def saved(contexts: Contexts, *, quietly: bool = False) -> bool:
    """Write what is learnt; return whether that worked, and log it if not."""
    try:
        await contexts.save()
    except BlockingIOError:  # another process is writing; the next time is soon enough
        return True
    except OSError as error:
        if not quietly:
            log.warning("what is learnt of contexts cannot be written: %s", reason_of(error))
        return False
    return True


def _is_due(reading: _Reading, now: float) -> bool:
    return reading.due_at is not None and reading.due_at <= now
