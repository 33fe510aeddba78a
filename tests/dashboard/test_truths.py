"""What the page says in the moments that matter, against what /metrics says, after real traffic."""

import time
from contextlib import ExitStack
from pathlib import Path
from signal import SIGHUP, SIGKILL

from dashboard.conftest import address, api, provider_rows
from support.browser.chromium import Watched
from support.exporter.process import Exporter, append, line
from support.exporter.sample_events import startup, utc
from support.processes import eventually
from support.proxy import openai_answers, upstream
from support.proxy.process import Proxy, config, provider, serving, write_config

CENT = {"input_per_mtok": 1000.0, "output_per_mtok": 1000.0}  # an answer costs about a cent


def running(stack: ExitStack, folder: Path, *entries: dict[str, object], allow_paid: bool = False) -> Proxy:
    return stack.enter_context(serving(folder, config(list(entries), allow_paid=allow_paid)))


def requests(exporter: Exporter, outcome: str) -> float:
    name = "coderouter_client_requests_total"
    return sum(
        number
        for (family, labels), number in exporter.scrape().items()
        if family == name and outcome in labels
    )


def test_six_failures_in_a_row_are_six_failures_in_red(
    tmp_path: Path, exporter: Exporter, page: Watched, stack: ExitStack
) -> None:
    only = stack.enter_context(upstream.serving()).provider("only")
    proxy = running(stack, tmp_path, provider("only", only.base_url))
    only.plays(always=openai_answers.error("broken", 500))
    page.open(address(exporter))
    for _ in range(6):
        assert proxy.chat().rest().status == 502
    page.wait_for_text("#headline .word", "Answered 0 of 6, 6 failed")
    assert requests(exporter, "exhausted") == 6
    assert page.page.get_attribute("#headline .state", "data-state") == "bad"
    assert "first choice" not in page.text("#headline")
    page.wait_for_text("#alarm", "only fails: upstream_5xx")
    page.page.click("#failed-link")
    page.wait_for_text("#total", "6 requests")


def test_a_spent_budget_shows_with_its_amounts_and_what_to_do(
    tmp_path: Path, exporter: Exporter, page: Watched, stack: ExitStack
) -> None:
    server = stack.enter_context(upstream.serving())
    cheap, dear = server.provider("cheap"), server.provider("dear")
    cost = CENT | {"monthly_budget_usd": 0.01}
    proxy = running(
        stack, tmp_path, provider("dear", dear.base_url, cost=cost), provider("cheap", cheap.base_url)
    )
    dear.plays(openai_answers.answer())
    cheap.plays(openai_answers.answer())
    page.open(address(exporter))
    for _ in range(2):
        proxy.chat().rest()
    page.wait_for_text("#providers", "Budget spent until 1 ")
    samples = exporter.scrape()
    used = samples["coderouter_budget_used_usd", ("dear",)]
    assert samples["coderouter_provider_skipped_total", ("dear", "budget")] == 1
    assert f"${used:.4f} of $0.0100" in provider_rows(page)["dear"][2]
    assert page.page.get_attribute("#providers progress", "value") == "1"
    page.wait_for_text("#alarm", "dear: budget spent until 1 ")
    assert "Requests go to the other providers." in page.text("#alarm")
    assert "monthly_budget_usd" in page.text("#alarm")
    assert page.text("#alarm code") == "coderouter reload"
    skipped = f"${used:,.2f} of $0.01 spent this month"
    assert ["skip-budget-exceeded", "dear", skipped] in [row[1:4] for row in page.rows("#events")]
    assert proxy.chat(model="dear").rest().status == 503
    page.page.goto(f"{address(exporter)}#requests?outcome=blocked")
    page.wait_for_text("#request-rows", f"dear: budget spent: ${used:.4f} of $0.0100")


def test_a_cost_that_is_not_known_is_never_zero(
    tmp_path: Path, exporter: Exporter, page: Watched, stack: ExitStack
) -> None:
    claude = stack.enter_context(upstream.serving()).provider("claude")
    proxy = running(stack, tmp_path, provider("claude", claude.base_url, paid=True), allow_paid=True)
    claude.plays(always=openai_answers.answer())
    for _ in range(3):
        proxy.chat().rest()
    page.open(address(exporter))
    page.wait_for_text("#today .word", "unknown")
    assert exporter.scrape()["coderouter_unpriced_requests_total", ("claude-model", "claude")] == 3
    assert page.text("#today .word") == "unknown"
    assert page.text("#today .more") == "coderouter prices: no price for claude (3 answers)"
    assert page.text("#cost .sum").startswith("unknown")
    assert provider_rows(page)["claude"][13] == "unknown"
    for view, table in (("requests", "#request-rows"), ("spend", "#spend-rows")):
        page.page.click(f"nav [data-view={view}]")
        page.wait_for_text(table, "unknown")
        assert "$0.00" not in page.text(table)


def test_a_stream_that_broke_is_no_success(
    tmp_path: Path, exporter: Exporter, page: Watched, stack: ExitStack
) -> None:
    only = stack.enter_context(upstream.serving()).provider("only")
    proxy = running(stack, tmp_path, provider("only", only.base_url))
    only.plays(openai_answers.streamed("Hello"), openai_answers.streamed("Hel", upstream.CUT))
    for _ in range(2):
        proxy.chat(stream=True).rest()
    page.open(address(exporter))
    page.wait_for_text("#headline .word", "Answered 1 of 2, 1 failed")
    assert provider_rows(page)["only"][4:9] == ["50 %", "2", "1", "0", "1"], (
        "success, tries, ok, failed, mid-stream"
    )
    assert "Its answer broke off." in page.text("#alarm")
    assert "base_url" not in page.text("#alarm")
    samples = exporter.scrape()
    assert samples["coderouter_provider_outcomes_total", ("failed_midstream", "only")] == 1
    assert samples["coderouter_provider_attempts_total", ("only",)] == 2


def test_a_failed_reload_says_why_until_the_next_one(
    tmp_path: Path, exporter: Exporter, page: Watched, stack: ExitStack
) -> None:
    echo: dict[str, object] = {"name": "echo", "kind": "echo"}
    proxy = running(stack, tmp_path, echo)
    page.open(address(exporter))
    page.wait_for_text("#proxy .word", "Running")
    write_config(tmp_path, config([echo | {"kind": "ehco"}]))
    proxy.command.signal(SIGHUP)
    page.wait_for_text("#alarm", "providers.yaml has errors; the proxy keeps its previous configuration: ")
    assert "providers[0].base_url" in page.text("#alarm")
    assert page.text("#alarm code") == "coderouter reload"
    [why] = [row[3] for row in page.rows("#events") if row[1] == "config-reload-failed"]
    assert "providers[0].base_url" in why
    write_config(tmp_path, config([echo]))
    proxy.command.signal(SIGHUP)
    eventually(lambda: not page.text("#alarm"))


def test_a_notice_does_not_move_what_is_shown(tmp_path: Path, exporter: Exporter, page: Watched) -> None:
    append(tmp_path / "events.jsonl", startup(time.time(), "w"))
    page.open(address(exporter))
    page.wait_for_text("#providers", "ollama")
    places = "[...document.querySelectorAll('#main *')].map((each) => each.getBoundingClientRect().top)"
    before = page.evaluate(places)
    failed = {"level": "ERROR", "faults": ["line 3: unknown kind"] * 9}
    append(
        tmp_path / "events.jsonl",
        line("config-reload-failed", ts=utc(time.time()), writer="w", seq=2, **failed),
    )
    page.wait_for_text("#alarm", "providers.yaml has errors")
    first = [top for top in page.evaluate(places) if top < 600]
    assert first == [top for top in before if top < 600]
    seen = page.evaluate("document.querySelector('#alarm').getBoundingClientRect().bottom <= innerHeight")
    assert seen, "without scrolling"


def test_a_key_that_is_not_set_shows_with_what_to_do(
    tmp_path: Path, exporter: Exporter, page: Watched, stack: ExitStack
) -> None:
    cloud = stack.enter_context(upstream.serving()).provider("cloud")
    proxy = running(stack, tmp_path, provider("cloud", cloud.base_url, api_key_env="NO_SUCH_KEY"))
    cloud.plays(always=openai_answers.error("no key", 401))
    page.open(address(exporter))
    proxy.chat().rest()
    page.wait_for_text("#alarm", "cloud fails: auth")
    assert "No provider of profile default answered when last tried: its requests fail" in page.text("#alarm")
    assert "Set its API key" in page.text("#alarm")
    assert page.text("#alarm p:last-child code") == "coderouter doctor"
    proxy.command.stop()
    running(stack, tmp_path, provider("cloud", cloud.base_url, api_key_env="PATH"))
    eventually(lambda: not page.text("#alarm"))


def test_an_empty_page_says_what_to_run_and_where_it_looks(
    tmp_path: Path, exporter: Exporter, page: Watched
) -> None:
    page.open(address(exporter))
    assert "coderouter serve" in page.text("#start code")
    assert str(tmp_path / "events.jsonl") in page.text("#sources")
    assert page.page.is_hidden("#headline")
    append(tmp_path / "events.jsonl", startup(time.time(), "w"))
    page.page.wait_for_selector("#start", state="hidden")
    page.wait_for_text("#headline .word", "No requests")


def test_a_provider_without_its_proxy_is_not_ok(
    tmp_path: Path, exporter: Exporter, page: Watched, stack: ExitStack
) -> None:
    proxy = running(stack, tmp_path, {"name": "echo", "kind": "echo"})
    proxy.chat().rest()
    page.open(address(exporter))
    page.wait_for_text("#connection", "Live")
    proxy.command.stop(SIGKILL)
    page.wait_for_text("#connection", "Proxy gone")
    assert page.page.is_hidden("#clock"), "the time of the page is that of the last event"
    assert page.page.get_attribute("#answering .state", "data-state") == "off"


def test_totals_and_percentiles_are_those_of_the_range(
    tmp_path: Path, exporter: Exporter, page: Watched
) -> None:
    now = time.time()
    append(tmp_path / "events.jsonl", startup(now - 90000, "w"))
    for number, age_s in enumerate((10, 7200, 7200, 100_000)):
        named = {"request_id": f"req_{number}", "provider": "ollama", "writer": "w", "ts": utc(now - age_s)}
        end = {"outcome": "ok", "status": 200, "attempts": 1, "stream": True, "cost_usd": 0.5}
        append(
            tmp_path / "events.jsonl",
            line("try-provider", **named, seq=2 + 3 * number, stream=True),
            line("provider-ok", **named, seq=3 + 3 * number, stream=True, duration_s=1.0 + number),
            line(
                "request-finished",
                **named,
                **end,
                seq=4 + 3 * number,
                duration_s=2.0 + number,
                ttft_s=1.0 + number,
            ),
        )
    page.open(address(exporter))
    shown = {}
    for hours, answers in ((1, 1), (6, 3), (24, 3), (168, 4)):
        page.page.check(f"#hours [value='{hours}']", force=True)
        page.wait_for_text("#headline .word", f"Answered {answers} of {answers}, none failed")
        row = provider_rows(page)["ollama"]
        assert row[5:9] == [str(answers), str(answers), "0", "0"]
        assert row[13] == f"${answers / 2:.2f}" if answers > 1 else "$0.5000"
        total = api(exporter, f"traffic?hours={hours}")["total"]
        shown[hours] = page.text("#duration .sum")
        assert shown[hours].startswith(f"p50 {total['duration_p50_s']:.3g} s")
    assert shown[1] != shown[6] == shown[24] != shown[168]
