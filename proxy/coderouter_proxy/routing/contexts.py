"""The contexts of providers: what their servers report, and what their answers say about estimates of tokens."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.client import ProviderClient
from coderouter_proxy.routing import context_file
from coderouter_proxy.routing.capabilities import Known
from coderouter_proxy.routing.context_file import RATIO_MAX, RATIO_MIN, Learnt
from coderouter_proxy.wires.state import origin_of

KEPT_SHARE = 0.9
"""Of what earlier answers weigh, with each new one."""
SAMPLE_TOKENS_MIN = 500
"""Of shorter prompts, the chat template is too large a share."""
SAMPLE_SHARE_MIN = 1 / 8
"""Of a small window, so that its prompts count too."""

SAMPLES_FIRST, SAMPLES_EVERY = 16, 64
"""Of a profile's requests far below its windows: all up to this many teach, then one of so many."""


@dataclass(slots=True)
class Windows:
    """The known windows of a profile's providers, by name, and how many requests were far below all of them."""

    profile: Profile
    by_name: Mapping[str, int]
    smallest: int
    far_below: int = 0

    def learn_from_next(self) -> bool:
        """Return whether to estimate a request only to learn from its answer: at first all of them, then a few."""
        self.far_below += 1
        return self.far_below <= SAMPLES_FIRST or self.far_below % SAMPLES_EVERY == 0


class Contexts:
    """What this process knows of the contexts of its providers' servers; a reload keeps it.

    `doubted` is set while some of them have to be read again.
    """

    def __init__(self, path: Path | None = None, *, earlier_windows: bool = False) -> None:
        """Read the file, if there is one that can be read; windows count until they are read again, or not at all."""
        self._path = path
        self._known = context_file.read(path) if path else {}
        self._by_name: dict[str, tuple[Provider, Learnt]] = {}
        self._changed: set[str] = set()
        self._doubted: set[str] = set()
        self.doubted = asyncio.Event()
        self._chains: dict[str, Windows] = {}
        """By profile, until a window changes."""
        for origin, known in self._known.items():
            if known.window is not None and not earlier_windows:
                known.window = None
                self._changed.add(origin)

    def of(self, provider: Provider) -> Learnt:
        """Return what is known of the provider's model and server, whatever the provider's name."""
        found = self._by_name.get(provider.name)
        if found is None or found[0] is not provider:
            known = self._known.setdefault(origin_of(provider), Learnt())
            self._by_name[provider.name] = found = (provider, known)
        return found[1]

    def window(self, provider: Provider, declared: int | None) -> int | None:
        """Return the tokens of the provider's context: as declared, else as read from its server."""
        return declared if declared is not None else self.of(provider).window

    def windows(
        self, profile: Profile, clients: Mapping[str, ProviderClient], capabilities: Known
    ) -> Windows:
        """Return the known windows of the profile's providers; the mappings are by name."""
        found = self._chains.get(profile.name)
        if found is None or found.profile is not profile:
            windows = {
                name: self.window(clients[name].provider, capabilities[name].max_context_tokens)
                for name in profile.names
                if name in clients
            }
            known = {name: window for name, window in windows.items() if window is not None}
            found = self._chains[profile.name] = Windows(profile, known, min(known.values(), default=0))
        return found

    def corrected(self, provider: Provider, estimate: int) -> int:
        """Return the estimate of a request's tokens as this provider would count them."""
        return ceil(estimate * self.of(provider).ratio)

    def read(self, provider: Provider, window: int | None) -> bool:
        """Take note of what the server reports; return whether it is new."""
        known = self.of(provider)
        if known.window == window:
            return False
        known.window = window
        self._changed.add(origin_of(provider))
        self._chains.clear()
        return True

    def learn(self, provider: Provider, window: int, estimate: int, reported: int) -> None:
        """Correct later estimates by the tokens that an answer reports."""
        if estimate < min(SAMPLE_TOKENS_MIN, window * SAMPLE_SHARE_MIN):
            return
        if not RATIO_MIN <= reported / estimate <= RATIO_MAX:
            return
        known = self.of(provider)
        known.estimated = known.estimated * KEPT_SHARE + estimate
        known.reported = known.reported * KEPT_SHARE + reported
        self._changed.add(origin_of(provider))

    def doubt(self, name: str, error: ProviderError) -> None:
        """Have the provider's server asked again if the error may mean that it has another context by now."""
        if error.error_type == "connect" or error.too_long:
            self._doubted.add(name)
            self.doubted.set()

    def take_doubted(self) -> set[str]:
        """Return the providers that are doubted, none of them twice."""
        self.doubted.clear()
        names, self._doubted = self._doubted, set()
        return names

    async def save(self) -> None:
        """Write what has changed since, and take over what other processes have written.

        Raises:
            OSError: the file cannot be written now; the next call tries again.
        """
        if self._path is None or not self._changed:
            return
        origins, self._changed = self._changed, set()
        newer = {origin: self._known[origin].copy() for origin in origins}
        try:
            merged = await asyncio.to_thread(context_file.merge, self._path, newer)
        except BaseException:
            self._changed |= origins
            raise
        for origin, theirs in merged.items():
            if origin not in origins and origin not in self._changed:
                self._known.setdefault(origin, Learnt()).count_as(theirs)
