"""Let a child process end when its parent is killed, so that nothing keeps a port without anyone in charge."""

import ctypes
import signal

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def end_with_parent() -> None:
    """Have the kernel send this process SIGTERM when its parent ends; does nothing where it has no such call."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
