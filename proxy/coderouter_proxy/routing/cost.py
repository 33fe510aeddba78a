"""What answers cost, and what providers with a budget have spent this month."""

import logging
import time
from contextlib import closing
from pathlib import Path

from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Cost, Provider

# Of the input price, where a provider's entry does not name its own: Anthropic's ratios.
CACHE_READ_SHARE = 0.1
CACHE_WRITE_SHARE = 1.25
MICRO = 1_000_000

log = logging.getLogger(__name__)


def price(usage: Usage, cost: Cost | None) -> float | None:
    """Return the price in US dollars, to the micro-dollar; None when price or usage is not known."""
    if cost is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    read = cost.cache_read_per_mtok
    write = cost.cache_write_per_mtok
    micro_usd = (
        usage.input_tokens * cost.input_per_mtok
        + usage.output_tokens * cost.output_per_mtok
        + (usage.cache_read_tokens or 0) * (cost.input_per_mtok * CACHE_READ_SHARE if read is None else read)
        + (usage.cache_creation_tokens or 0)
        * (cost.input_per_mtok * CACHE_WRITE_SHARE if write is None else write)
    )
    return round(micro_usd) / MICRO


class Budgets:
    """What was spent, month by month (UTC), kept in a file that all workers share and that outlives them.

    What the file cannot take waits in memory, and counts. Without a path, spending is not kept.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._ready = False
        self._waiting: dict[tuple[str, str], int] = {}  # micro-dollars by month and provider

    def over(self, provider: Provider) -> tuple[float, float] | None:
        """Return what was spent and what may be, in US dollars, when the one has reached the other."""
        budget_usd = provider.cost.monthly_budget_usd if provider.cost else None
        if budget_usd is None:
            return None
        spent_usd = self.spent_usd(provider.name)
        return (spent_usd, budget_usd) if round(spent_usd * MICRO) >= round(budget_usd * MICRO) else None

    def spent_usd(self, name: str) -> float:
        """Return what the provider has cost this month, as far as it is known; an unreadable file is logged."""
        month = _month()
        rows = (
            self._run("SELECT micro_usd FROM spent WHERE month = ? AND provider = ?", [(month, name)]) or []
        )
        return (sum(micro_usd for (micro_usd,) in rows) + self._waiting.get((month, name), 0)) / MICRO

    def spend(self, provider: Provider, usd: float | None) -> None:
        """Add to what a provider with a budget has cost this month."""
        if not usd or not provider.cost or provider.cost.monthly_budget_usd is None or self.path is None:
            return
        entry = (_month(), provider.name)
        self._waiting[entry] = self._waiting.get(entry, 0) + round(usd * MICRO)
        written = self._run(
            "INSERT INTO spent VALUES (?, ?, ?) "
            "ON CONFLICT (month, provider) DO UPDATE SET micro_usd = micro_usd + excluded.micro_usd",
            [(*entry, micro_usd) for entry, micro_usd in self._waiting.items()],
        )
        if written is not None:
            self._waiting.clear()

    def _run(self, statement: str, rows: list[tuple[str | int, ...]]) -> list[tuple[int]] | None:
        """Return what the statement found for the rows, in one transaction; None when the file cannot be used."""
        if self.path is None:
            return None
        import sqlite3  # noqa: PLC0415 - memory that only those pay who have budgets

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=1)) as database, database:
                if not self._ready:
                    database.execute(
                        "CREATE TABLE IF NOT EXISTS spent "
                        "(month TEXT, provider TEXT, micro_usd INTEGER, PRIMARY KEY (month, provider))"
                    )
                    self._ready = True
                return [found for row in rows for found in database.execute(statement, row)]
        except (sqlite3.Error, OSError) as error:
            self._ready = False
            log.error("cannot use %s (%s); spending is only in memory until it works again", self.path, error)
            return None


def _month() -> str:
    return time.strftime("%Y-%m", time.gmtime())
