"""End a child process when its parent is killed, so that no orphan keeps the port."""

import ctypes
import signal

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def end_with_parent() -> None:
    """Have the kernel send this process SIGTERM when its parent ends; does nothing where that is not supported."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
