"""What a chunk adds, counted apart from the state, is what folding the chunk adds."""

import random
from itertools import count

from coderouter_exporter.fold.delta import add_delta, decode, delta_of, encode
from coderouter_exporter.fold.fold import fold
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.rows.pending import Pending, days_zone
from coderouter_exporter.state.state import State
from support.exporter.random_traffic import Traffic
from support.exporter.requests import Requests

BEGIN = 1.79e9
CHUNKS = 5
SEEDS = 8
CONFIGURATION = (b'"msg": "config-reloaded"', b'"msg": "coderouter-startup"')


class Both:
    """States that get the same chunks: one folds them, to the other deltas are added as far as that is possible.

    A third folds them and postpones nothing.
    """

    def __init__(self, series_max: int, requests_max: int) -> None:
        self.folded, self.added, self.hasty = (State(created_ts=0.0, series_max=series_max) for _ in range(3))
        self.pending, self.pending_of_added = Pending(requests_max), Pending(requests_max)
        for pending in (self.pending, self.pending_of_added):
            pending.open_keys, pending.bytes_behind = set(), 1 << 30

    def take(self, data: bytes, read_ts: float) -> bool:
        """Add the chunk to both; return whether a delta was added."""
        chunk = Chunk(data, len(data), file=1, at_path=True)
        fold(self.folded, chunk, read_ts, self.pending)
        fold(self.hasty, chunk, read_ts)
        zone = days_zone(self.added)
        delta = delta_of(data, read_ts, zone)
        is_added = delta is not None and add_delta(
            self.added, chunk, decode(encode(delta)), zone, read_ts, self.pending_of_added
        )
        if not is_added:
            fold(self.added, chunk, read_ts, self.pending_of_added)
        assert vars(self.pending_of_added) == vars(self.pending)
        return is_added

    def assert_equal(self) -> None:
        assert self.added.encode() == self.folded.encode()
        assert self.added == self.folded
        assert self.folded.recent_attempts == self.hasty.recent_attempts
        assert self.folded.recent_events == self.hasty.recent_events


def without_configuration(line: bytes) -> bytes:
    for event in CONFIGURATION:
        line = line.replace(event, b'"msg": "proxy-heartbeat"')
    return line


def test_deltas_add_what_folding_adds() -> None:
    assert sum(map(deltas_added, range(SEEDS))) > SEEDS


def deltas_added(seed: int) -> int:
    """Add random traffic to both; return how many deltas were added."""
    chance = random.Random(seed)
    traffic = Traffic(chance, BEGIN)
    # With few series or requests, what is beyond the bounds depends on the order.
    both = Both(series_max=chance.choice((12, 1000)), requests_max=chance.choice((100, 20_000)))
    added = 0
    lines: list[bytes] = []
    for number in range(CHUNKS):
        before, lines = lines, list(traffic.lines(chance.choice((1600, 2000))))
        if number:
            lines = list(map(without_configuration, lines))
        kind = chance.randrange(6)
        if kind == 0:
            lines[chance.randrange(len(lines))] = b"{torn\n"
        elif kind == 1:
            lines[:20] = before[-20:]
        elif kind == 2:
            lines = [line.replace(b"ollama", b"ollama-%d" % chance.randrange(5)) for line in lines]
        read_ts = traffic.now + chance.choice((0, 0, -100_000, 1000, 100_000))
        added += both.take(b"".join(lines), read_ts)
        if chance.randrange(2):
            both.assert_equal()
    both.assert_equal()
    return added


def test_lines_are_folded_in_order_if_they_depend_on_those_before() -> None:
    traffic = Traffic(random.Random(1), BEGIN)
    first = b"".join(traffic.lines(1600))
    lines = list(map(without_configuration, traffic.lines(1600)))
    both = Both(series_max=1000, requests_max=100)
    assert not both.take(first, traffic.now), "it reports the configuration"
    assert not both.take(b"".join(lines[:-1:2]), traffic.now), "numbers are missing"
    assert not both.take(b"".join(lines[:100]), traffic.now), "they are few"
    more = b"".join(map(without_configuration, traffic.lines(1600)))
    assert both.take(more, traffic.now)
    assert not both.take(more, traffic.now), "they were counted before"
    both.assert_equal()


def test_a_time_that_cannot_be_read_is_that_of_the_event_before() -> None:
    traffic = Traffic(random.Random(1), BEGIN)
    both = Both(series_max=1000, requests_max=100)
    both.take(b"".join(traffic.lines(1600)), traffic.now)
    lines = list(map(without_configuration, traffic.lines(1600)))
    lines[-1] = lines[-1].replace(b'"ts": "20', b'"ts": "x')
    both.take(b"".join(lines), traffic.now)
    both.assert_equal()


def test_lines_that_are_read_late_do_not_replace_newer_ones() -> None:
    proxy, ids = Requests(BEGIN), count()
    both = Both(series_max=1000, requests_max=100)
    first, second, third = (b"".join(proxy.answered(f"r{next(ids)}") for _ in range(600)) for _ in range(3))
    for data in (first, third, second):
        assert both.take(data, proxy.now)
    both.assert_equal()
