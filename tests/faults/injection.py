"""Makes system calls of a running process fail, by strace."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.calls import Fault
from support.processes import eventually


class Injection:
    def __init__(self, output: Path) -> None:
        self._output = output

    def hits(self) -> int:
        """Return how often the call has failed by now."""
        return self._output.read_text(errors="replace").count("(INJECTED)")


@contextmanager
def injected(pid: int, fault: Fault, paths: Iterable[Path]) -> Iterator[Injection]:
    """Make the call fail in all threads of the process, on these paths, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "calls"
        output.touch()
        when = "" if fault.lasts else ":when=1"
        only = [argument for path in paths for argument in ("-P", str(path))] if fault.has_path else []
        command = (
            *("strace", "-f", "-p", str(pid), "-o", str(output), *only),
            *("-e", f"trace={fault.call}", "-e", f"inject={fault.call}:error={fault.error}{when}"),
        )
        with (Path(folder) / "messages").open("w+b") as messages:
            tracer = subprocess.Popen(command, stderr=messages)
            try:
                eventually(lambda: _is_traced(pid) or tracer.poll() is not None)
                assert tracer.poll() is None, Path(messages.name).read_text(encoding="utf-8")
                yield Injection(output)
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.wait(10)


def can_inject() -> bool:
    """Return whether strace is installed and may attach to processes here."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    sleeping = subprocess.Popen(("sleep", "30"))
    command = (strace, "-qq", "-p", str(sleeping.pid), "-o", "/dev/null")
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: tracer.poll() is not None or _is_traced(sleeping.pid))
        return tracer.poll() is None
    finally:
        sleeping.kill()
        sleeping.wait()
        tracer.wait(10)


def _is_traced(pid: int) -> bool:
    """Return whether a tracer is attached to every thread of the process."""
    statuses = [task / "status" for task in Path(f"/proc/{pid}/task").iterdir()]
    return all("TracerPid:\t0\n" not in status.read_text(encoding="utf-8") for status in statuses)
