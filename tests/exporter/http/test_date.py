"""The date in a response is current, although an idle exporter wakes up rarely."""

import time
from email.utils import parsedate_to_datetime
from pathlib import Path

from support.exporter.process import Exporter, running_exporter
from support.processes import eventually


def date_of(exporter: Exporter) -> float:
    response, _ = exporter.get("/-/healthy")
    return parsedate_to_datetime(response.headers["Date"]).timestamp()


def test_a_response_has_the_time_of_its_request(tmp_path: Path) -> None:
    with running_exporter(tmp_path / "events.jsonl", state=tmp_path / "db") as exporter:
        first = date_of(exporter)
        eventually(lambda: time.time() > first + 2)
        before = int(time.time())
        assert date_of(exporter) >= before
