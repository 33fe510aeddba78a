"""Find the running proxies of an event file, by the lock that each process of them holds, and have them reload."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from coderouter_events import events
from coderouter_events.lock import is_held, lock_path

PROC = Path("/proc")
WORKER = b"spawn_main"  # in the command line of a process that multiprocessing has started
POLL_S = 0.05
TAIL_BYTES_MAX = 16 * 1024 * 1024
RELOADED, FAILED = events.ConfigReloaded.msg, events.ConfigReloadFailed.msg


class NotReloaded(Exception):
    """No proxy has reloaded; the message says why and what to do."""


@dataclass(frozen=True)
class Reload:
    """What one process reported: its configuration before and after, or what is wrong with the new one."""

    before: dict[str, object] | None
    after: dict[str, object]
    errors: list[str]


def reload_running(path: Path, timeout_s: float) -> list[Reload]:
    """Have every running proxy of the event file reload its configuration, and wait for each of its processes.

    Raises:
        NotReloaded
    """
    holders = _holders(lock_path(path))
    if not holders:
        raise NotReloaded(_nobody(path))
    start = path.stat() if path.exists() else None
    for pid in sorted({_to_signal(pid) for pid in holders}):
        try:
            os.kill(pid, signal.SIGHUP)
        except OSError as error:
            raise NotReloaded(f"process {pid} cannot be signalled: {error.strerror}") from None
    deadline = time.monotonic() + timeout_s
    while len(reports := _reports(path, start)) < len(holders):
        if time.monotonic() > deadline:
            silent = f"{len(holders) - len(reports)} of {len(holders)} processes"
            raise NotReloaded(f"{silent} reported nothing within {timeout_s:g} s; see the log of the proxy")
        time.sleep(POLL_S)
    return [_reload(path, report) for report in reports.values()]


def _nobody(path: Path) -> str:
    if is_held(path):
        return f"the proxy that writes {path} belongs to another user; for a service: sudo systemctl reload coderouter"
    return f"no proxy that writes {path} is running; start one with coderouter run, or name its file with --events"


def _holders(path: Path) -> list[int]:
    """Return the processes of this user that hold the lock; an exporter only looks whether it is held."""
    if not path.exists():
        return []
    if PROC.is_dir():
        return [int(process.name) for process in PROC.glob("[0-9]*") if _holds(process, path)]
    lsof = shutil.which("lsof")
    if lsof is None:
        raise NotReloaded("lsof, which finds the proxy, is not installed; send the proxy SIGHUP instead")
    found = subprocess.run([lsof, "-t", "--", path], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split() if b"cr-exporter" not in _command(int(pid))]


def _holds(process: Path, path: Path) -> bool:
    with suppress(OSError):  # it has ended, or belongs to another user
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                if descriptor.stat().st_ino == path.stat().st_ino and descriptor.samefile(path):
                    return b"READ" in (process / "fdinfo" / descriptor.name).read_bytes()
    return False


def _to_signal(pid: int) -> int:
    """Return the process to signal: for a worker, the supervisor, which passes the signal on to all of them."""
    return int(_ps(pid, "ppid")) if WORKER in _command(pid) else pid


def _command(pid: int) -> bytes:
    if PROC.is_dir():
        with suppress(OSError):
            return (PROC / str(pid) / "cmdline").read_bytes()
    return _ps(pid, "command").encode()


def _ps(pid: int, column: str) -> str:
    if column == "ppid" and PROC.is_dir():
        return (PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
    shown = subprocess.run(
        ["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip()


def _reports(path: Path, start: os.stat_result | None) -> dict[str, dict[str, object]]:
    """Return by writer what was reported since the file was as at the start."""
    with suppress(OSError), path.open("rb") as file:
        status = os.fstat(file.fileno())
        if start and status.st_ino == start.st_ino and status.st_size >= start.st_size:
            file.seek(start.st_size)
        found = _events(file.read(TAIL_BYTES_MAX), RELOADED, FAILED)
        return {str(event["writer"]): event for event in found}
    return {}


def _reload(path: Path, report: dict[str, object]) -> Reload:
    if report["msg"] == FAILED:
        errors = report["faults"]
        return Reload(None, {}, [str(error) for error in errors] if isinstance(errors, list) else [])
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES_MAX))
        earlier = [
            event
            for event in _events(file.read(), events.Startup.msg, RELOADED)
            if event["writer"] == report["writer"] and event["seq"] != report["seq"]
        ]
    return Reload(earlier[-1] if earlier else None, report, [])


def _events(lines: bytes, *names: str) -> Iterator[dict[str, object]]:
    """Yield the events of these names in whole lines."""
    marks = [f'"msg":"{name}"'.encode() for name in names]
    for line in lines[: lines.rfind(b"\n") + 1].split(b"\n"):
        if any(mark in line for mark in marks):
            with suppress(orjson.JSONDecodeError):
                event = orjson.loads(line)
                if isinstance(event, dict) and event.get("msg") in names:
                    yield event
