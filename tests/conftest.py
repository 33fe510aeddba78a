"""What holds for every test: which ones are slow, and that Hypothesis never judges an example by the clock."""

import signal
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.forked import ForkServer
from support.processes import fork_servers

TESTS = Path(__file__).parent
LONG_S_MAX = 900
# Folders in which every test starts programs or a browser. Other slow modules and tests are marked in place.
SLOW = (
    "dashboard",
    "deploy",
    "e2e",
    "exporter/engine",
    "proxy/doctor/pipeline",
    "proxy/init",
    "proxy/server",
    "real_agents",
)

# The first example of a process may take seconds: it builds Hypothesis's table of Unicode characters.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


# Programs inherit what is ignored, and `nohup make test` ignores this one.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def _fork_server() -> Iterator[None]:
    """Start our programs by `fork`: most of the tests' time was Python's, which imported the same modules each time."""
    if sys.platform != "linux":
        yield
        return
    server = ForkServer()
    fork_servers.append(server)
    yield
    fork_servers.remove(server)
    server.close()


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _is_slow(item.path):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(LONG_S_MAX))


@cache
def _is_slow(module: Path) -> bool:
    return any(module.is_relative_to(TESTS / folder) for folder in SLOW)
