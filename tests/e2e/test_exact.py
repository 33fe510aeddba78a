"""The exporter counts exactly what the proxy did, whatever is restarted, killed or renamed meanwhile."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL

from support import events
from support.exporter.process import Exporter, running_exporter
from support.load import loading
from support.processes import eventually, free_port
from support.proxy.process import Proxy, config, provider, serving

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}


def test_totals_are_exact_through_proxy_restarts_exporter_kills_and_a_rotation(tmp_path: Path) -> None:
    port = free_port()
    path = tmp_path / "events.jsonl"
    chance = random.Random(7)
    shown = 0.0

    def watch(exporter: Exporter, until: float) -> None:
        """Scrape until there are so many attempts; the number must never fall."""
        nonlocal shown

        def look() -> bool:
            nonlocal shown
            tries = exporter.tries("echo")
            assert tries >= shown
            shown = tries
            return tries >= until

        eventually(look)

    with loading(port, clients=3) as load:
        for turn in range(3):
            with _proxy(tmp_path, port, path):
                for _ in range(3):
                    with running_exporter(path, state=tmp_path / "state.db") as exporter:
                        watch(exporter, until=shown + chance.randrange(1, 60))
                        exporter.command.stop(SIGKILL)
                if turn == 1:
                    path.rename(path.with_suffix(".jsonl.1"))
                if turn == 2:
                    load.stop()

    tries = Counter(str(event["provider"]) for event in events.read_all(tmp_path, "try-provider"))
    assert load.unexpected == []
    assert tries == {"down": load.answered, "echo": load.answered}
    with running_exporter(path, state=tmp_path / "state.db") as exporter:
        watch(exporter, until=load.answered)
        samples = exporter.scrape()
    assert samples["coderouter_requests_total", ()] == 2 * load.answered
    for name, outcome in (("down", "failed"), ("echo", "ok")):
        assert samples["coderouter_provider_attempts_total", (name,)] == load.answered
        assert samples["coderouter_provider_outcomes_total", (outcome, name)] == load.answered


def test_four_workers_share_one_event_file_without_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with (
        _proxy(tmp_path, 0, path, "--workers", "4") as proxy,
        running_exporter(path, state=tmp_path / "state.db") as exporter,
    ):
        eventually(lambda: len(events.read(path, "coderouter-startup")) == 4)
        with loading(proxy.port, clients=8) as load:
            eventually(lambda: load.answered > 400)
        assert load.unexpected == []
        assert exporter.tries("echo") == load.answered
        assert exporter.scrape()["cr_exporter_lines_total", ("json",)] == 0

    finished = events.read(path, "request-finished")
    assert len(finished) == len({event["request_id"] for event in finished}) == load.answered
    assert len({event["writer"] for event in finished}) > 1
    by_writer: dict[object, list[int]] = {}
    for event in events.read(path):
        by_writer.setdefault(event["writer"], []).append(event["seq"])
    for numbers in by_writer.values():
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_scrape_right_after_an_answer_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with (
        _proxy(tmp_path, 0, path) as proxy,
        running_exporter(path, state=tmp_path / "state.db") as exporter,
    ):
        for number in range(1, 30):
            assert proxy.chat().rest().status == 200
            assert exporter.tries("echo") == number


@contextmanager
def _proxy(folder: Path, port: int, events_path: Path, *options: str) -> Iterator[Proxy]:
    """Run a proxy in which each request makes two attempts: one fails, one succeeds."""
    down = provider("down", f"http://127.0.0.1:{free_port()}/v1")
    given = ("--port", str(port)) if port else ()
    text = config([down, ECHO])
    text["profiles"] = [{"name": "default", "providers": ["down", "echo"], "affinity": {"minutes": 0}}]
    with serving(folder, text, *given, *options, events_path=events_path) as proxy:
        yield proxy
        proxy.command.stop()
