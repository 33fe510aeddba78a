"""What answers cost, and the monthly budgets of providers."""

import logging
import threading
import time
from contextlib import suppress
from pathlib import Path

from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Cost, Provider
from coderouter_proxy.routing.shared_totals import SharedTotals
from coderouter_proxy.routing.spend_file import TOTAL_MAX, Entry, SpendFile, SpendFileError

# Shares of the input price, unless a provider has prices of its own: Anthropic's ratios.
CACHE_READ_SHARE = 0.1
CACHE_WRITE_SHARE = 1.25
MICRO = 1_000_000

AMOUNT_MAX = 10**15
"""A billion dollars in micro-dollars; no answer costs more, whatever prices are configured."""
PAUSE_S = 0.02  # after a write, so that a busy proxy writes many amounts at once
RETRY_S = 1.0
CLOSE_S = 2.0
CLOSE_POLL_S = 0.1

log = logging.getLogger(__name__)


def price(usage: Usage, cost: Cost | None) -> float | None:
    """Return the price in US dollars, to the micro-dollar; None if price or usage is unknown.

    It is `AMOUNT_MAX` at most.
    """
    if cost is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    counted = (
        (usage.input_tokens, cost.input_per_mtok),
        (usage.output_tokens, cost.output_per_mtok),
        (usage.cache_read_tokens, _cached(cost, cost.cache_read_per_mtok, CACHE_READ_SHARE)),
        (usage.cache_creation_tokens, _cached(cost, cost.cache_write_per_mtok, CACHE_WRITE_SHARE)),
    )
    micro_usd = 0.0
    for tokens, per_mtok in counted:
        if tokens:
            if per_mtok is None:
                return None
            micro_usd += tokens * per_mtok
    return round(min(micro_usd, AMOUNT_MAX)) / MICRO


def cache_savings(usage: Usage, cost: Cost | None) -> float | None:
    """Return how much less the tokens from the cache cost than other input, in US dollars; None if that is unknown."""
    if cost is None or usage.cache_read_tokens is None or cost.input_per_mtok is None:
        return None
    cached = _cached(cost, cost.cache_read_per_mtok, CACHE_READ_SHARE)
    if cached is None:
        return None
    micro_usd = usage.cache_read_tokens * (cost.input_per_mtok - cached)
    return round(min(max(micro_usd, 0), AMOUNT_MAX)) / MICRO


def _cached(cost: Cost, per_mtok: float | None, share: float) -> float | None:
    """Return the price of cached tokens: its own, else a share of the input price."""
    if per_mtok is not None or cost.input_per_mtok is None:
        return per_mtok
    return cost.input_per_mtok * share


class Budgets:
    """What providers with a budget have cost, by month (UTC), kept in a file that outlives the process.

    Totals are in memory, and a thread writes them to the file, so that a slow or locked file never delays a request. A
    killed process loses at most what it spent in the last `PAUSE_S` seconds, a power failure a little more. While the
    file cannot be used, amounts are buffered in memory, and count.

    Processes may share the file. What one of them spends counts in the others at once (see `SharedTotals`); where
    that is not possible, from the next amount that they spend themselves.

    Without a path, spending is not kept.
    """

    def __init__(self, path: Path | None) -> None:
        """Read the file, waiting up to a second for a lock; an unreadable one is logged."""
        self.path = path
        self._file = SpendFile(path) if path else None
        self._failing = False
        # In micro-dollars. No total exceeds what was really spent, so of two the larger one is right.
        self._totals: dict[Entry, int] = {}
        self._unwritten: dict[Entry, int] = {}
        self._shared: SharedTotals | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._closing = threading.Event()
        if self._file:
            self._read(self._file)

    def over(self, provider: Provider) -> tuple[float, float] | None:
        """Return what was spent and the budget, in US dollars, if the budget is used up."""
        budget_usd = provider.cost.monthly_budget_usd if provider.cost else None
        if budget_usd is None:
            return None
        spent = self._total((_month(), provider.name))
        return (spent / MICRO, budget_usd) if spent >= round(budget_usd * MICRO) else None

    def spent_usd(self, name: str) -> float:
        """Return what the provider has cost this month, as far as known."""
        return self._total((_month(), name)) / MICRO

    def spend(self, provider: Provider, usd: float | None) -> None:
        """Add to the cost of the provider this month, if it has a budget."""
        has_budget = provider.cost is not None and provider.cost.monthly_budget_usd is not None
        if self._file is None or not has_budget or usd is None or usd <= 0:
            return
        entry, amount = (_month(), provider.name), round(min(usd * MICRO, AMOUNT_MAX))
        with self._lock:
            self._unwritten[entry] = min(TOTAL_MAX, self._unwritten.get(entry, 0) + amount)
            self._raise(entry, self._total(entry) + amount)
        if self._thread:
            self._wake.set()
        else:
            self._write(self._file)

    def start(self) -> None:
        """Share totals with other processes, and write in a thread from now on; until then `spend` writes itself."""
        if self._file is None:
            return
        with suppress(OSError):
            self._shared = SharedTotals(self._file.path)
        if self._failing:
            self._wake.set()  # to read the file after all
        self._thread = threading.Thread(target=self._keep_writing, args=[self._file], daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is buffered, and release the file; blocks for up to `CLOSE_S` seconds while it cannot be used."""
        if self._file is None:
            return
        self._closing.set()
        self._wake.set()
        if self._thread:
            self._thread.join()
        give_up_at = time.monotonic() + CLOSE_S
        while self._unwritten and not self._write(self._file) and time.monotonic() < give_up_at:
            time.sleep(CLOSE_POLL_S)
        if self._unwritten:
            lost_usd = sum(self._unwritten.values()) / MICRO
            log.error("%s: %g dollars of spending could not be written and are lost", self.path, lost_usd)
        self._file.close()
        if self._shared:
            self._shared.close()
            self._shared = None

    def _total(self, entry: Entry) -> int:
        known = self._totals.get(entry, 0)
        return max(known, self._shared.get(entry)) if self._shared else known

    def _raise(self, entry: Entry, total: int) -> None:
        raised = min(TOTAL_MAX, max(total, self._totals.get(entry, 0)))
        self._totals[entry] = raised
        if self._shared:
            self._shared.raise_to(entry, raised)

    def _keep_writing(self, file: SpendFile) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._write(file):
                self._closing.wait(PAUSE_S)
            else:
                self._wake.set()
                self._closing.wait(RETRY_S)

    def _read(self, file: SpendFile) -> None:
        try:
            self._totals.update(file.read(_month()))
        except SpendFileError as error:
            self._failed(error)

    def _write(self, file: SpendFile) -> bool:
        """Write what is buffered, read what others have written, and return whether that worked."""
        with self._lock:
            amounts, self._unwritten = self._unwritten, {}
        try:
            totals = file.add(amounts, _month())
        except SpendFileError as error:
            with self._lock:
                for entry, amount in amounts.items():
                    self._unwritten[entry] = min(TOTAL_MAX, self._unwritten.get(entry, 0) + amount)
            self._failed(error)
            return False
        with self._lock:
            for entry, total in totals.items():
                self._raise(entry, total + self._unwritten.get(entry, 0))
        if self._failing:
            log.warning("%s can be used again; all spending is written", self.path)
        self._failing = False
        return True

    def _failed(self, error: SpendFileError) -> None:
        if not self._failing:
            log.error("cannot use %s (%s); spending is only in memory until it works again", self.path, error)
        self._failing = True


def _month() -> str:
    return time.strftime("%Y-%m", time.gmtime())
