"""Yields requests as they end: each once, whatever happens to the exporter meanwhile."""

from collections.abc import Iterator
from datetime import timedelta

from coderouter_exporter.terminal.client import Row, get, rows
from coderouter_exporter.terminal.options import timestamp
from coderouter_exporter.terminal.words import utc

LATE_S = 3600.0
"""How much later than others a request may be read: from another event file, or because its process was killed."""
PAGE = "100"
LAST_MAX = 1000
_MARGIN_S = 1.0
_ENDED = ("ok", "client_error", "exhausted", "blocked", "midstream", "client_gone", "other", "lost")

Parameters = list[tuple[str, str]]
Key = tuple[str, str | None, str]


def key_of(row: Row) -> Key:
    return row["request_id"], row["ts"] or row["started"], row["outcome"]


def time_of(row: Row) -> str:
    """Return when it ended, or began if its end is not known."""
    found: str = row["ts"] or row["started"]
    return found


class Follower:
    """Follows the requests that match `filters`, beginning after those that `last` returns."""

    def __init__(self, url: str, filters: Parameters) -> None:
        self._url = url
        self._since = next((value for name, value in filters if name == "since"), None)
        self._filters = [(name, value) for name, value in filters if name != "since"]
        if not any(name in ("outcome", "failed") for name, _ in filters):
            self._filters += [("outcome", outcome) for outcome in _ENDED]
        self.zone: str | None = None
        """Name of the time zone that the proxy's configuration asks for."""
        self._seen: dict[Key, str] = {}
        self._from: str | None = None
        """Requests that ended before are not looked for any more."""

    def last(self, number: int) -> list[Row]:
        """Return the newest requests, oldest first: what is followed comes after them.

        Raises:
            ExporterUnreachable, Refused
        """
        self.zone = get(self._url, "/status")["zone"]
        parameters = [*self._filters, *self._window(), ("limit", str(min(max(1, number), LAST_MAX)))]
        page = get(self._url, "/requests", parameters)["requests"]
        page.reverse()
        self._take(page)
        if page:
            newest = time_of(page[-1])
            known = list(rows(self._url, [*self._filters, *self._window()]))
            self._take(row for row in known if time_of(row) <= newest)
        return page[len(page) - number :] if number else []

    def new(self) -> list[Row]:
        """Return the requests that have ended since the last call, oldest first.

        Raises:
            ExporterUnreachable, Refused
        """
        parameters = [*self._filters, *self._window(), ("limit", PAGE)]
        page = get(self._url, "/requests", parameters)
        oldest = max(self._from or "", page["kept"]["oldest"] or "")
        missing = page["total"] - sum(1 for at in self._seen.values() if at >= oldest)
        found = list(self._unseen(page["requests"]))
        while page["next"] and len(found) < missing:
            page = get(self._url, "/requests", [*parameters, ("cursor", page["next"])])
            found += self._unseen(page["requests"])
        found.sort(key=time_of)
        self._take(found)
        return found

    def _unseen(self, page: list[Row]) -> Iterator[Row]:
        return (row for row in page if key_of(row) not in self._seen)

    def _window(self) -> Parameters:
        times = [time for time in (self._since, self._from) if time]
        return [("since", max(times))] if times else []

    def _take(self, page: "Iterator[Row] | list[Row]") -> None:
        self._seen |= {key_of(row): time_of(row) for row in page}
        if not self._seen:
            return
        newest = utc(max(self._seen.values()))
        self._from = timestamp(newest - timedelta(seconds=LATE_S))
        oldest = timestamp(newest - timedelta(seconds=LATE_S + _MARGIN_S))
        self._seen = {key: at for key, at in self._seen.items() if at >= oldest}
