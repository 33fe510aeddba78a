"""The disk of the event file fills up, and later has space again."""

import re
from pathlib import Path

from support.disk import small_disk
from support.exporter.process import running_exporter
from support.processes import eventually
from support.proxy.process import config, serving

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}
KILOBYTES = 256


def test_requests_continue_while_the_disk_is_full_and_every_event_is_counted_later(tmp_path: Path) -> None:
    path = tmp_path / "disk" / "events.jsonl"
    with (
        small_disk(path.parent, KILOBYTES) as disk,
        serving(tmp_path, config([ECHO]), events_path=path) as proxy,
        running_exporter(path, state=tmp_path / "exporter.db") as exporter,
    ):
        for _ in range(10):
            assert proxy.chat().rest().status == 200
        assert exporter.tries("echo") == 10

        disk.fill()
        for _ in range(50):
            assert proxy.chat().rest().status == 200
        proxy.command.wait_for_output(
            r"cannot append to \S+ \(.*No space left on device\); requests continue"
        )
        assert exporter.tries("echo") < 60

        disk.free()
        assert proxy.chat().rest().status == 200
        eventually(lambda: exporter.tries("echo") == 61)
        assert exporter.scrape()["cr_exporter_exact", ()] == 1
        proxy.command.stop()
        samples = exporter.scrape()
        numbers = [int(number) for number in re.findall(rb'"seq":(\d+),.*}\n', path.read_bytes())]
    assert samples["cr_exporter_events_missing", ()] == 0
    assert samples["cr_exporter_events_total", ("request-finished",)] == 61
    assert numbers == list(range(1, len(numbers) + 1))
