"""A machine whose clock is wrong and then set, with an exporter that runs all the time."""

import json
import time
from pathlib import Path

import pytest

from coderouter_exporter.engine.clock import ClockStep
from support.exporter.process import Exporter, append, line, running_exporter
from support.exporter.sample_events import utc
from support.exporter.wall_clock import WallClock
from support.processes import eventually

HOUR_S = 3600.0
YEAR_S = 365 * 24 * HOUR_S
AHEAD_S = {
    "1970": 30 - time.time(),
    "2036": 10 * YEAR_S,
    "9 h ahead": 9 * HOUR_S,
    "9 h behind": -9 * HOUR_S,
    "4 min ahead": 240.0,
}


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "exporter.db"


class Proxy:
    """Writes events with the time of the clock, `ago_s` earlier."""

    def __init__(self, events: Path, clock: WallClock) -> None:
        self._events = events
        self._clock = clock
        self._seq = 0

    def write(self, msg: str, ago_s: float = 0.0, **fields: object) -> None:
        self._seq += 1
        ts = utc(self._clock.now_ts - ago_s)
        append(self._events, line(msg, ts=ts, writer="w", seq=self._seq, **fields))


@pytest.fixture
def proxy(events: Path, clock: WallClock) -> Proxy:
    events.parent.mkdir()
    return Proxy(events, clock)


def is_about_now(shown: str) -> bool:
    return shown in {utc(time.time() - ago_s)[:19] for ago_s in range(-2, 60)}


def set_clock(clock: WallClock, exporter: Exporter, ahead_s: float) -> None:
    noticed = exporter.command.stderr.count("the clock was set")
    clock.set(ahead_s=ahead_s)

    def is_noticed() -> bool:
        exporter.scrape()  # at each pass the exporter looks at the clock
        return exporter.command.stderr.count("the clock was set") > noticed

    eventually(is_noticed)


def test_after_the_clock_is_set_the_next_heartbeat_shows_everything_right(
    clock: WallClock, events: Path, proxy: Proxy, state: Path
) -> None:
    with running_exporter(events, state=state, **clock.env) as exporter:
        for name, ahead_s in AHEAD_S.items():
            set_clock(clock, exporter, ahead_s)
            proxy.write("coderouter-startup", version="2", providers=["a"])
            proxy.write("provider-ok", provider="a", duration_s=0.1)
            proxy.write("provider-cooldown", provider="a", seconds=600)
            proxy.write("proxy-heartbeat", in_flight=3)
            assert exporter.scrape()["coderouter_in_flight_requests", ()] == 3, name
            set_clock(clock, exporter, 0.0)
            proxy.write("proxy-heartbeat", in_flight=2)
            assert_right(exporter, name)


def assert_right(exporter: Exporter, name: str) -> None:
    shown, report = exporter.scrape(), json.loads(exporter.get("/metrics.json")[1])
    assert shown["coderouter_up", ()] == 1, name
    assert shown["coderouter_in_flight_requests", ()] == 2, name
    assert 0 < shown["coderouter_uptime_seconds", ()] < 60, name
    assert shown["coderouter_provider_cooldown", ("a",)] == 1, name
    assert abs(shown["coderouter_last_event_timestamp_seconds", ()] - time.time()) < 60, name
    assert is_about_now(report["started_at"]), name
    assert is_about_now(report["proxy"]["heard_at"]), name
    assert is_about_now(report["providers"][0]["last_ok_at"]), name
    assert report["proxy"]["clock_ahead_s"] == 0, name


def test_a_dead_proxy_is_down_soon_after_the_clock_is_set(
    clock: WallClock, events: Path, proxy: Proxy, state: Path
) -> None:
    with running_exporter(events, state=state, **clock.env) as exporter:
        for name in ("9 h ahead", "4 min ahead"):
            set_clock(clock, exporter, AHEAD_S[name])
            proxy.write("proxy-heartbeat", ago_s=43, in_flight=3)
            assert exporter.scrape()["coderouter_up", ()] == 1, name
            set_clock(clock, exporter, 0.0)
            eventually(lambda: exporter.scrape()["coderouter_up", ()] == 0)


def test_a_dead_proxy_is_down_if_the_clock_was_set_while_no_exporter_ran(
    clock: WallClock, events: Path, proxy: Proxy, state: Path
) -> None:
    clock.set(ahead_s=9 * HOUR_S)
    with running_exporter(events, state=state, **clock.env) as exporter:
        proxy.write("provider-cooldown", provider="a", seconds=600)
        proxy.write("proxy-heartbeat", in_flight=3)
        assert exporter.scrape()["coderouter_up", ()] == 1
    clock.set(ahead_s=0.0)
    with running_exporter(events, state=state, **clock.env) as exporter:
        shown = exporter.scrape()
    assert shown["coderouter_up", ()] == 0
    assert shown.get(("coderouter_provider_cooldown", ("a",)), 0) == 0


def test_times_from_before_the_start_stay_unless_they_are_impossible() -> None:
    """A machine without a battery starts in 1970; the state is from when its clock was right."""
    now = time.time()
    step = ClockStep(step_s=now - 30, now_ts=now, since_ts=10.0)
    assert [step.moved(ts) for ts in (20.0, now - 86400.0)] == [20.0 + now - 30, now - 86400]
    back = ClockStep(step_s=-9 * HOUR_S, now_ts=now, since_ts=now + 9 * HOUR_S - 60)
    assert back.moved(now + 8 * HOUR_S) == now - HOUR_S
    assert back.moved(now - HOUR_S) == now - HOUR_S
