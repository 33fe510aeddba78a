"""System programs that tests run against."""

import os
import shutil

import pytest


def program(name: str) -> str:
    """Return the program's path; without the program the test is skipped, or fails in CI, which installs them all."""
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if found is None:
        missing = f"{name} is not installed"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found
