"""A providers.yaml that is large, or only looks small, holds no request while it is read."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.config.test_yaml_bounds import HOSTILE
from support.events import read
from support.proxy import process
from support.proxy.process import Proxy, failed_start, serving, write_config
from support.run_command import coderouter

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}
LAUGHS, WORDS = HOSTILE["many lists"]
REPEATED = f"aliases that {WORDS} more than 100,000 values"
ANSWERED_MIN = 10


def large() -> dict[str, object]:
    others = [process.provider(f"p{number}", "http://127.0.0.1:1/v1") for number in range(1000)]
    return process.config([ECHO, *others], {"default": ["echo"]})


def answered_until(served: Proxy, is_over: Callable[[], object]) -> int:
    """Send requests one after the other until it is over; return how many were answered."""
    number = 0
    while not is_over():
        assert served.chat().rest().status == 200
        number += 1
    return number


@pytest.mark.slow
def test_requests_are_answered_while_a_large_configuration_is_reloaded(tmp_path: Path) -> None:
    with serving(tmp_path, process.config([ECHO])) as served:
        write_config(tmp_path, large())
        served.command.signal(signal.SIGHUP)
        found = answered_until(served, lambda: read(served.events_path, "config-reloaded"))
        assert served.command.stop() == 0
    assert found >= ANSWERED_MIN


def test_a_small_file_of_many_aliases_is_refused_at_start_at_a_reload_and_when_checked(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, process.config([ECHO])) as served:
        path = write_config(tmp_path, LAUGHS)
        served.command.signal(signal.SIGHUP)
        answered_until(served, lambda: read(served.events_path, "config-reload-failed"))
        assert served.chat().rest().status == 200
        assert served.command.stop() == 0
    [event] = read(served.events_path, "config-reload-failed")
    assert REPEATED in event["faults"][0]
    assert REPEATED in failed_start(tmp_path)
    checked = coderouter(tmp_path, "check-config", path)
    assert (checked.code, REPEATED in checked.stderr) == (3, True)
