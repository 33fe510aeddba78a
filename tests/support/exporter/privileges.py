"""Start a program without the privileges of root."""

import os
import shutil

import pytest


def unprivileged() -> tuple[str, ...]:
    """Return what starts a program that cannot read every file, as root can; the test is skipped without it."""
    if os.geteuid() != 0:
        return ()
    if not can_be_unprivileged():
        pytest.skip("setpriv is not installed")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def can_be_unprivileged() -> bool:
    return os.geteuid() != 0 or shutil.which("setpriv") is not None
