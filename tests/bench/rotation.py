"""`python -m bench.rotation`: events lost by each rotation method, with the real logrotate, writer and exporter."""

import gzip
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from support.exporter.logrotate import Logrotate
from support.exporter.process import running_exporter
from support.processes import clean_environment, eventually, running

METHODS = {
    "nocreate, delaycompress (ours)": "rotate 99\nnocreate\ncompress\ndelaycompress",
    "create, delaycompress": "rotate 99\ncreate\ncompress\ndelaycompress",
    "nocreate, compress at once": "rotate 99\nnocreate\ncompress",
    "copytruncate": "rotate 99\ncopytruncate",
}
PAUSE_S = 0.2


@dataclass(frozen=True)
class Pace:
    name: str
    lines: int
    lines_per_s: float
    turn_s: float = 0.0
    """The duration of one turn of the writer's event loop, which checks for a rename once per turn."""


PACES = (
    Pace("as fast as it can", 600_000, 1e9),
    Pace("2,000/s", 20_000, 2_000),
    Pace("2,000/s, 50 ms turns", 20_000, 2_000, 0.05),
    Pace("100/s", 1_000, 100),
)


@dataclass(frozen=True)
class Result:
    rotations: int
    written: int
    kept: int
    """Lines that are complete in one of the files afterwards."""
    counted: int
    """Lines counted by an exporter that was running all the time."""
    missing: int
    """Lines that it reported missing."""
    complaints: int
    """Rotations in which logrotate reported an error: the new file existed already, or the old one still grew."""


def measure(stanza: str, pace: Pace) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "log" / "events.jsonl"
        events.parent.mkdir()
        logrotate = Logrotate(Path(folder) / "logrotate", events, stanza)
        arguments = (str(pace.lines), str(pace.lines_per_s), str(pace.turn_s))
        succeeded: list[bool] = []
        with running_exporter(events, state=Path(folder) / "exporter.db") as exporter:
            with running(
                sys.executable, "-m", "support.exporter.writer", events, *arguments, env=clean_environment()
            ) as command:
                eventually(events.exists)
                while command.process.poll() is None:
                    succeeded.append(logrotate.rotate()[1])
                    time.sleep(PAUSE_S)
                assert command.wait() == 0, command.stderr
            samples = exporter.scrape()
        return Result(
            rotations=len(succeeded),
            written=pace.lines,
            kept=sum(_whole_lines(path) for path in events.parent.iterdir()),
            counted=int(samples["coderouter_provider_attempts_total", ("local",)]),
            missing=int(samples["cr_exporter_events_missing", ()]),
            complaints=succeeded.count(False),
        )


def _whole_lines(path: Path) -> int:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return sum(line.startswith(b'{"ts"') and line.endswith(b"}") for line in data.split(b"\n"))


def main() -> None:
    print(
        f"{'method':<31} {'writer':<21} {'rotations':>9} {'errors':>6} {'written':>8} {'in no file':>10} "
        "uncounted, missing"
    )
    for method, stanza in METHODS.items():
        for pace in PACES:
            got = measure(stanza, pace)
            print(
                f"{method:<31} {pace.name:<21} {got.rotations:>9} {got.complaints:>6} {got.written:>8,} "
                f"{got.written - got.kept:>10,} {got.written - got.counted:>9,}, {got.missing:,}",
                flush=True,
            )


if __name__ == "__main__":
    main()
