"""What is shown beside the counts is what was written last: configuration, processes, providers."""

import pytest

from coderouter_exporter.state.state import LEARNT_MAX, RECENT_ATTEMPTS_MAX, State
from exporter.fold.events import adapted, folded, heartbeat, reloaded, shown, shutdown, startup, view
from support.exporter.process import line, tried


def test_requests_in_flight_are_those_of_processes_with_a_recent_heartbeat() -> None:
    state = folded(
        heartbeat(1, "w1", 5),
        heartbeat(10, "w1", 2),
        heartbeat(12, "w2", 3, seq=2),
        heartbeat(9, "w2", 7, seq=1),
    )
    assert shown(state, 20.0)["coderouter_in_flight_requests", ()] == 5
    assert shown(state, 56.0)["coderouter_in_flight_requests", ()] == 3, (
        "the last heartbeat of w1 is 46 s old"
    )
    assert shown(state, 58.0)["coderouter_in_flight_requests", ()] == 0


def test_the_proxy_is_up_until_its_shutdown_or_45_s_of_silence() -> None:
    state = folded(startup(1, writer="w1"), startup(2, writer="w2"))
    assert shown(state, 3.0)["coderouter_up", ()] == 1
    folded(shutdown(4, writer="w1"), state=state)
    assert shown(state, 5.0)["coderouter_up", ()] == 1, "another process is up"
    assert shown(state, 48.0)["coderouter_up", ()] == 0
    folded(heartbeat(49, "w2", 0), shutdown(50, writer="w2"), state=state)
    assert shown(state, 51.0)["coderouter_up", ()] == 0


def test_the_lock_reveals_a_killed_proxy_at_once_and_a_live_one_that_cannot_write() -> None:
    state = folded(heartbeat(10, "w1", 2))

    def up_and_in_flight(now_ts: float, *, alive: bool | None) -> tuple[float, float]:
        scraped = shown(state, now_ts, alive=alive)
        return scraped["coderouter_up", ()], scraped["coderouter_in_flight_requests", ()]

    assert up_and_in_flight(11.0, alive=None) == (1, 2)
    assert up_and_in_flight(11.0, alive=False) == (0, 0)
    assert up_and_in_flight(99.0, alive=True) == (1, 0)


def test_a_cooldown_lasts_until_its_time_is_up_or_the_provider_answers() -> None:
    cooldown = line("provider-cooldown", ts="1970-01-01T00:00:01.000Z", provider="a", seconds=30)
    recovered = line("provider-recovered", ts="1970-01-01T00:00:09.000Z", provider="a", cooldown_s=8)
    state = folded(startup(1, providers=["a", "b"]), cooldown)
    assert shown(state, 30.0)["coderouter_provider_cooldown", ("a",)] == 1
    assert shown(state, 30.0)["coderouter_provider_cooldown", ("b",)] == 0
    assert shown(state, 31.0)["coderouter_provider_cooldown", ("a",)] == 0
    folded(recovered, state=state)
    assert shown(state, 10.0)["coderouter_provider_cooldown", ("a",)] == 0


def test_a_budget_is_used_by_the_costs_of_its_month() -> None:
    def spent(ts: str, usd: float, provider: str = "paid") -> bytes:
        return line("request-finished", ts=ts, provider=provider, cost_usd=usd)

    catalog = [{"name": "paid", "monthly_budget_usd": 20}, {"name": "free", "monthly_budget_usd": None}]
    state = folded(
        startup(1, providers=["paid", "free"], catalog=catalog),
        spent("2026-10-31T23:59:59.999Z", 9.0),
        spent("2026-11-01T00:00:00.000Z", 0.25),
        spent("2026-10-31T23:59:59.000Z", 1.0),
        spent("2026-11-30T23:59:59.999Z", 0.5),
        spent("2026-11-02T00:00:00.000Z", 4.0, provider="free"),
        spent("not a time", 1.0),
    )
    november, december = 1796083199.0, 1796083200.0
    assert shown(state, november)["coderouter_budget_limit_usd", ("paid",)] == 20
    assert shown(state, november)["coderouter_budget_used_usd", ("paid",)] == 0.75
    assert shown(state, december)["coderouter_budget_used_usd", ("paid",)] == 0
    assert ("coderouter_budget_used_usd", ("free",)) not in shown(state)


def test_the_newest_configuration_is_in_the_labels_of_the_info_gauge() -> None:
    state = folded(startup(1, version="2.0.0", default_profile="coding", allow_paid=True))
    assert shown(state, 2.0)["coderouter_info", ("true", "coding", "2.0.0")] == 1


def test_a_reload_replaces_the_providers_but_not_the_start_time() -> None:
    reloaded = line("config-reloaded", ts="1970-01-01T00:00:09.000Z", writer="w", providers=["new"])
    state = folded(startup(5, providers=["old"], writer="w"), reloaded)
    assert state.startup is not None
    assert (state.startup.providers, state.startup.ts) == (["new"], 5.0)
    assert folded(shutdown(10, writer="w"), state=state).startup == state.startup
    assert state.startup.ended


def test_the_newest_startup_is_the_one_that_was_written_last() -> None:
    state = folded(startup(2, version="1"), startup(1, version="2"))
    assert state.startup is not None
    assert state.startup.version == "2"


def test_uptime_runs_from_the_newest_startup_and_is_0_after_its_shutdown() -> None:
    state = folded(startup(10, writer="w2"))
    assert view(state, now_ts=25.0).uptime_s == 15.0
    folded(shutdown(11, writer="w1"), state=state)
    assert view(state, now_ts=25.0).uptime_s == 15.0, "another process ended"
    folded(shutdown(12, writer="w2"), state=state)
    assert view(state, now_ts=25.0).uptime_s == 0.0
    folded(startup(20, writer="w3"), state=state)
    assert view(state, now_ts=25.0).uptime_s == 5.0


def test_the_last_error_of_a_provider_is_the_newest_and_is_truncated_to_200_characters() -> None:
    state = folded(
        line("provider-failed", provider="a", status=500, retryable=True, error="first"),
        line("provider-failed-midstream", provider="a", status=None, retryable=False, error="x" * 201),
        line("provider-failed", provider="b", status=401, retryable=True, error="y" * 200),
    )
    assert state.last_errors["a"].error == "x" * 200 + "…"
    assert state.last_errors["a"].status is None
    assert state.last_errors["b"].error == "y" * 200


def test_the_recent_attempts_are_the_last_256_oldest_first() -> None:
    state = folded(*(tried(str(number)) for number in range(200)))
    folded(line("request-finished"), *(tried(str(number)) for number in range(200, 300)), state=state)
    assert [attempt.provider for attempt in state.recent_attempts] == [
        str(number) for number in range(300 - RECENT_ATTEMPTS_MAX, 300)
    ]


def values(state: State) -> list[tuple[str, str]]:
    return [(learnt.writer, learnt.value) for learnt in state.learnt]


def test_a_process_knows_what_it_learnt_until_it_reloads_or_stops() -> None:
    state = folded(
        adapted(1, "w1", "refused_fields", "store"),
        adapted(2, "w2", "refused_fields", "user"),
        reloaded(3, "w1"),
        adapted(4, "w1", "refused_fields", "seed"),
    )
    assert values(state) == [("w2", "user"), ("w1", "seed")]
    assert values(folded(shutdown(5, writer="w2"), state=state)) == [("w1", "seed")]
    assert values(folded(reloaded(6, "w1"), state=State.decode(state.encode()))) == []


def test_what_is_learnt_again_is_kept_once_and_the_newest_are_kept() -> None:
    state = folded(*(adapted(1, "w", "refused_fields", "store", provider="a") for _ in range(3)))
    assert values(state) == [("w", "store")]
    folded(*(adapted(2, "w", "call_ids", f"v{number}") for number in range(300)), state=state)
    assert values(state) == [("w", f"v{number}") for number in range(300 - LEARNT_MAX, 300)]


@pytest.mark.parametrize(
    "fields",
    [{"remembered": False}, {"reason": "of-another-version"}, {"trait": "speed"}, {"value": "x" * 1001}],
    ids=str,
)
def test_what_is_not_remembered_or_not_known_is_not_shown(fields: dict[str, object]) -> None:
    known: dict[str, object] = {"trait": "refused_fields", "value": "store"}
    state = folded(adapted(1, "w", **(known | fields)))  # type: ignore[arg-type]
    assert state.learnt == []
