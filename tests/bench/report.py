"""The figures of a run as a file, with the machine and the versions that they were measured on."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.figures import Figure

LIBRARIES = ("aiohttp", "msgspec", "orjson", "starlette", "uvicorn", "uvloop")


def write(path: Path, figures: Sequence[Figure]) -> None:
    run = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "versions": {"commit": _commit(), **{name: version(name) for name in LIBRARIES}},
        "figures": [{**asdict(figure), "good": figure.good} for figure in figures],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> tuple[dict[str, object], dict[str, Figure]]:
    """Return the machine of the run, and its figures by name.

    Raises:
        OSError, ValueError, KeyError, TypeError: the file cannot be read, or is not from `write`.
    """
    run = json.loads(path.read_text(encoding="utf-8"))
    names = Figure.__dataclass_fields__
    figures = (
        Figure(**{name: value for name, value in each.items() if name in names}) for each in run["figures"]
    )
    return run["machine"], {figure.name: figure for figure in figures}


def _machine() -> dict[str, object]:
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty", "--abbrev=12")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
