"""What the page costs with twenty thousand requests: CPU time of the browser and of the exporter."""

import time
from collections.abc import Callable, Iterator

import pytest

from dashboard.conftest import address, api
from support.browser.chromium import Watched
from support.exporter.process import Exporter, append, line, running_exporter
from support.exporter.sample_events import startup, utc
from support.processes import eventually

pytestmark = pytest.mark.slow

REQUESTS = 20_000
LOAD_CPU_S_MAX = 1.5
POLL_CPU_S_MAX = 0.25


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    folder = tmp_path_factory.mktemp("full")
    now = time.time()
    lines = [startup(now - 90_000, "w")]
    for number in range(REQUESTS):
        ts = utc(now - (REQUESTS - number) * 4)
        named = {
            "request_id": f"req_{number:05}",
            "writer": "w",
            "provider": "ollama",
            "stream": True,
            "ts": ts,
        }
        end = {
            "outcome": "ok" if number % 50 else "exhausted",
            "status": 200,
            "attempts": 1,
            "duration_s": 2.0,
        }
        more = {
            "agent": "codex",
            "session": f"s{number % 300}",
            "input_tokens": 900,
            "output_tokens": 90,
            "cost_usd": 0.01,
        }
        lines.append(
            line(
                "request-finished",
                seq=number + 2,
                ttft_s=0.5,
                model="m",
                profile="coding",
                **named,
                **end,
                **more,
            )
        )
    append(folder / "events.jsonl", *lines[:10_000])
    append(folder / "events.jsonl", *lines[10_000:])
    with running_exporter(folder / "events.jsonl", state=folder / "exporter.db") as exporter:
        eventually(lambda: api(exporter, "requests?since=30d&limit=1")["total"] == REQUESTS)
        yield exporter


def measured(page: Watched) -> Callable[[], float]:
    """Return what returns the CPU time that the page's process has spent on tasks from now on."""
    session = page.page.context.new_cdp_session(page.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def cpu_s() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")

    return cpu_s


@pytest.mark.long
@pytest.mark.parametrize("view", ["overview", "requests", "sessions", "spend"])
def test_the_page_loads_and_polls_with_little_cpu(full: Exporter, page: Watched, view: str) -> None:
    cpu_s = measured(page)
    page.open(f"{address(full)}#{view}?range=720")
    page.page.wait_for_selector(f"#{view} :is(tbody tr, rect.ok)")
    loaded = cpu_s()
    assert 0 < loaded < LOAD_CPU_S_MAX
    with page.page.expect_response("**/status"), page.page.expect_response("**/providers?*"):
        pass
    page.page.wait_for_timeout(200)
    polled = cpu_s() - loaded
    assert polled < POLL_CPU_S_MAX, f"{view} loaded in {loaded:.3f} s of CPU"
