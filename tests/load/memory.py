"""The memory of a process and its children, and the most it has been."""

from pathlib import Path


def rss_kb(pid: int) -> int:
    return _field(pid, "VmRSS:")


def peak_rss_kb(pid: int) -> int:
    """Return the most since the process started, or since `forget_peak`."""
    return _field(pid, "VmHWM:")


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _field(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition(name)[2].split()[0])
