"""Write an hour of events, load it into a real Prometheus, run the queries of each panel, and draw the results.

Then draw the pages of the dashboard over the same hour.
"""

import subprocess
import tempfile
import time
from pathlib import Path

from coderouter_events.events import Heartbeat
from coderouter_proxy.eventlog.writer import EventLog
from preview import pages
from preview.answers import Answer, query_panel
from preview.drawings import Panel
from preview.picture import draw
from preview.sample_hour import HOUR_S, write_hour
from support.docs import ROOT
from support.exporter.process import CR_EXPORTER, running_exporter
from support.grafana import expanded
from support.processes import clean_environment, eventually
from support.programs import program
from support.prometheus.server import Prometheus, running_prometheus

PICTURE = ROOT / "grafana/preview.png"
INSTANCE = "127.0.0.1:9847"
SEED = 7
SCRAPES = 'sum(count_over_time(up{job="coderouter"}[1m]))'


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = EventLog(folder / "events.jsonl")
        end = time.time()
        write_hour(log, end, SEED)
        _make_blocks(folder)
        with running_exporter(folder / "events.jsonl", state=folder / "state.db") as exporter:
            labels = {"targets": [f"127.0.0.1:{exporter.port}"], "labels": {"instance": INSTANCE}}
            job = {"job_name": "coderouter", "scrape_interval": "1s", "static_configs": [labels]}
            log.write(Heartbeat(in_flight=3, rss_bytes=61_000_000, events_dropped=0))
            with running_prometheus(folder / "tsdb", [job]) as prometheus:
                eventually(lambda: prometheus.query(SCRAPES).get((), 0) >= 3)
                answers = _answers(prometheus)
    draw(answers, PICTURE)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1024} KiB")
    pages.main()


def _make_blocks(folder: Path) -> None:
    document = folder / "history.om"
    labels = ("--label", "job=coderouter", "--label", f"instance={INSTANCE}")
    with document.open("wb") as stdout:
        command = (CR_EXPORTER, "backfill", *labels, folder / "events.jsonl")
        subprocess.run(command, stdout=stdout, env=clean_environment(), check=True)
    blocks = ("tsdb", "create-blocks-from", "openmetrics", document, folder / "tsdb")
    subprocess.run([program("promtool"), *blocks], check=True, capture_output=True)


def _answers(prometheus: Prometheus) -> list[tuple[Panel, Answer | None]]:
    end = time.time()
    return [
        (panel, None if panel["type"] == "row" else query_panel(prometheus, panel, end - HOUR_S, end))
        for panel in expanded()
    ]


if __name__ == "__main__":
    main()
