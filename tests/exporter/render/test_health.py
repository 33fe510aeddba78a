"""The answers to an operator's first questions: is the proxy up, which provider answers, and why not the first one?"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coderouter_events.lock import LivenessLock
from coderouter_exporter.http.proxy_liveness import ProxyLiveness
from coderouter_exporter.render import health
from coderouter_exporter.render.report import report
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import State
from exporter.fold.events import folded
from support.exporter.process import line
from support.exporter.sample_events import startup, utc

NOW = 1_795_000_000.0
LATER = NOW + 10


def reported(*lines: bytes, now_ts: float = LATER, alive: bool | None = None) -> Any:
    state = State.decode(folded(*lines).encode())
    return report(View(state=state, now_ts=now_ts, alive=alive))


def at(msg: str, ts: float = NOW, **fields: object) -> bytes:
    return line(msg, ts=utc(ts), **fields)


UP = startup(NOW, "w")
BYE = at("coderouter-shutdown", NOW + 1, writer="w", seq=2, reason="SIGTERM")


@pytest.mark.parametrize(
    ("lines", "age_s", "alive", "state"),
    [
        ([], 1, None, "unknown"),
        ([UP], 1, True, "running"),
        ([UP], 1, None, "running"),
        ([UP], 1, False, "gone"),
        ([UP], 100, None, "gone"),
        ([UP], 100, True, "running"),
        ([UP, BYE], 2, False, "stopped"),
        ([UP, BYE], 100, None, "stopped"),
        ([UP, BYE, startup(NOW + 2, "w2")], 3, False, "gone"),
        ([UP, BYE, startup(NOW + 2, "w2")], 3, True, "running"),
    ],
)
def test_the_proxy_is_running_stopped_or_gone(
    lines: list[bytes], age_s: float, alive: bool | None, state: str
) -> None:
    proxy = reported(*lines, now_ts=NOW + age_s, alive=alive)["proxy"]
    assert proxy["state"] == state


OK = at("provider-ok", NOW + 1, provider="ollama", duration_s=0.1)
FAILED = at("provider-failed", NOW + 2, provider="ollama", retryable=True, error_type="connect", error="no")
COOLED = at("provider-cooldown", NOW + 3, provider="ollama", seconds=30.0)


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ([], "unused"),
        ([OK], "ok"),
        ([OK, FAILED], "failing"),
        ([FAILED, OK], "ok"),
        ([OK, at("provider-failed-midstream", NOW + 1, provider="ollama", error="cut")], "failing"),
        ([FAILED, at("provider-ok", NOW + 3, provider="ollama")], "ok"),
        ([FAILED, COOLED], "cooldown"),
        ([FAILED, COOLED, at("provider-recovered", NOW + 4, provider="ollama")], "failing"),
    ],
)
def test_the_state_of_a_provider_is_that_of_its_newest_attempt(lines: list[bytes], state: str) -> None:
    providers = {entry["name"]: entry["state"] for entry in reported(UP, *lines)["providers"]}
    assert providers == {"ollama": state, "openrouter-free": "unused", "claude": "gated"}


BUDGETED = {"name": "claude", "kind": "anthropic", "model": "m", "paid": True, "base_url": "http://a"}
SPENT = at("skip-budget-exceeded", NOW + 1, provider="claude", spent_usd=5.02, budget_usd=5.0)


@pytest.mark.parametrize(
    ("lines", "later_s", "spent"),
    [
        ([], 10, (0.0, False)),
        ([SPENT], 10, (5.02, True)),
        ([SPENT, at("provider-ok", NOW + 2, provider="claude")], 10, (5.02, False)),
        ([SPENT], 31 * 86400, (0.0, False)),
        ([at("request-finished", NOW, provider="claude", outcome="ok", cost_usd=6.0)], 10, (6.0, True)),
    ],
)
def test_a_budget_is_spent_until_the_next_month_unless_the_provider_has_answered_since(
    lines: list[bytes], later_s: float, spent: tuple[float, bool]
) -> None:
    up = startup(NOW, "w", allow_paid=True, catalog=[BUDGETED | {"monthly_budget_usd": 5.0}])
    view = View(state=State.decode(folded(up, *lines).encode()), now_ts=NOW + later_s)
    known = health.budget(view, "claude")
    assert known is not None
    assert (known["spent_usd"], known["spent"], known["budget_usd"]) == (*spent, 5.0)
    assert (health.provider_state(view, "claude", paid=True) == "budget") == spent[1]
    assert known["until"] == ("2026-12-01" if later_s == 10 else "2027-01-01")
    assert health.budget(view, "ollama") is None


def test_a_failed_reload_and_a_spent_budget_say_why() -> None:
    failed = at(
        "config-reload-failed", NOW, level="ERROR", faults=["line 3: unknown kind", "line 9: no name"]
    )
    assert [event["text"] for event in reported(UP, failed, SPENT)["events"]][1:] == [
        "line 3: unknown kind; line 9: no name",
        "$5.02 of $5.00 spent this month",
    ]


def test_the_newest_failure_that_caused_a_fallback_is_reported() -> None:
    final = at(
        "provider-failed-midstream", NOW + 5, provider="ollama", retryable=False, error_type="timeout_idle"
    )
    assert reported(UP, FAILED, final)["moved_on"] == {
        "provider": "ollama",
        "at": utc(NOW + 2)[:19],
        "error_type": "connect",
        "error": "no",
    }
    assert reported(UP, final)["moved_on"] is None


def test_the_provider_that_answered_last_is_reported() -> None:
    assert reported(UP)["answering"] is None
    other = at("provider-ok", NOW + 5, provider="openrouter-free")
    assert reported(UP, OK, other)["answering"] == {"provider": "openrouter-free", "at": utc(NOW + 5)[:19]}
    again = at("provider-ok", NOW + 6, provider="ollama")
    assert reported(UP, OK, other, again)["answering"] == {"provider": "ollama", "at": utc(NOW + 6)[:19]}


def test_the_paid_gate_reports_the_providers_it_excludes() -> None:
    blocked = at("chain-paid-gate-blocked", profile="coding", blocked_providers=["claude"])
    skipped = at("skip-paid-provider", provider="claude")
    assert reported(startup(NOW, "w"), skipped, blocked)["paid_gate"] == {
        "closed": True, "providers": ["claude"], "requests_blocked": 1, "providers_skipped": 1,
    }  # fmt: skip
    assert reported(startup(NOW, "w", allow_paid=True))["paid_gate"]["closed"] is False
    assert reported()["paid_gate"]["closed"] is None


def test_the_reason_for_inexact_counts_is_reported() -> None:
    lost = at("try-provider", provider="ollama", writer="w", seq=4)
    counting = reported(startup(NOW, "w"), lost)["counting"]
    assert (counting["exact"], counting["events_missing"]) == (False, 2)


def test_the_last_50_events_have_texts_and_exclude_attempts_and_heartbeats() -> None:
    lines = [
        at("try-provider", provider="ollama"),
        FAILED,
        at(
            "provider-failed",
            provider="ollama",
            status=429,
            error_type="rate_limited",
            error="HTTP 429: slow down",
        ),
        at("provider-failed", provider="ollama", status=500, error_type="upstream_5xx", error="x" * 300),
        OK,
        COOLED,
        at("proxy-heartbeat", in_flight=0),
        at("request-finished", outcome="exhausted", status=502, attempts=2, duration_s=12.34),
        at("request-finished", outcome="ok", status=200, attempts=1, duration_s=0.5),
        at("no-event-of-ours"),
    ]
    events = reported(*lines)["events"]
    assert sorted((event["event"], event["level"], event["text"]) for event in events) == [
        ("provider-cooldown", "WARNING", "moves to the end of the chain for 30.0 s"),
        ("provider-failed", "WARNING", "connect: no"),
        ("provider-failed", "WARNING", "rate_limited: HTTP 429: slow down"),
        ("provider-failed", "WARNING", "upstream_5xx, HTTP 500: " + "x" * 200 + "…"),
        ("provider-ok", "INFO", "answered in 100 ms"),
        ("request-finished", "INFO", "ok, in 500 ms"),
        ("request-finished", "WARNING", "exhausted, HTTP 502, 2 attempts, in 12.3 s"),
    ]
    many = reported(*(at("provider-ok", NOW + number, provider=str(number)) for number in range(120)))[
        "events"
    ]
    assert [event["provider"] for event in many] == [str(number) for number in range(70, 120)]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def lock(events: Path) -> Iterator[LivenessLock]:
    events.touch()
    lock = LivenessLock(events)
    yield lock
    lock.release()


def test_the_lock_shows_whether_a_process_is_alive(events: Path, lock: LivenessLock) -> None:
    liveness = ProxyLiveness()
    assert liveness.probe([events], 7) is None, "an older proxy takes no lock"
    lock.hold()
    lock.hold()
    assert liveness.probe([events], 7) is True
    other = LivenessLock(events)
    other.hold()
    lock.release()
    assert liveness.probe([events], 7) is True, "one of two is left"
    other.release()
    assert liveness.probe([events], 7) is False


def test_one_event_file_in_use_out_of_several_is_enough(events: Path, lock: LivenessLock) -> None:
    lock.hold()
    unused = events.with_name("unused.jsonl")
    unused.with_name("unused.jsonl.alive").touch()
    assert ProxyLiveness().probe([unused, events], 7) is True


def test_a_free_lock_proves_nothing_while_events_arrive(events: Path) -> None:
    events.with_name("events.jsonl.alive").touch()
    liveness = ProxyLiveness()
    assert liveness.probe([events], None) is False, "those before it are still being read"
    assert liveness.probe([events], 7) is False
    assert liveness.probe([events], 8) is None


def test_taking_the_lock_never_blocks_and_is_retried_later(events: Path, lock: LivenessLock) -> None:
    fd = os.open(events.with_name("events.jsonl.alive"), os.O_RDONLY | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    lock.hold()
    os.close(fd)
    assert ProxyLiveness().probe([events], 7) is False
    lock.hold()
    assert ProxyLiveness().probe([events], 7) is True


def test_nothing_is_held_without_an_event_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (None, tmp_path / "events.jsonl", tmp_path / "nowhere" / "events.jsonl", tmp_path / "pipe"):
        LivenessLock(path).hold()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
