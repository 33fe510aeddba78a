"""`coderouter reload` finds the running proxy, waits for it, and says what changed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.events import read
from support.processes import clean_environment, eventually
from support.programs import program
from support.proxy import process
from support.proxy.process import Proxy, serving, workers_of, write_config
from support.run_command import Ended, coderouter

A: dict[str, object] = process.provider("a", "http://127.0.0.1:1/v1")
ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}


def reload(served: Proxy, *options: str) -> Ended:
    folder = served.events_path.parent
    return coderouter(folder, "reload", "--events", served.events_path, *options)


def is_ready(served: Proxy, processes: int = 1) -> bool:
    lock = served.events_path.with_name("events.jsonl.alive")
    return lock.exists() and len(read(served.events_path, "proxy-heartbeat")) >= processes


def test_what_changed_is_printed(tmp_path: Path) -> None:
    with serving(tmp_path, process.config([A, ECHO])) as served:
        eventually(lambda: is_ready(served))
        changed = {**A, "model": "larger", "paid": True}
        new: dict[str, object] = {"name": "new", "kind": "echo"}
        chains = {"default": ["new", "a"], "coding": ["a"]}
        write_config(tmp_path, process.config([changed, new], chains, allow_paid=True))
        ended = reload(served)
        assert (ended.code, ended.stderr) == (0, "")
        assert ended.stdout.splitlines() == [
            "reloaded",
            "allow_paid: false → true",
            "provider a: model a-model → larger, paid false → true",
            "provider echo was removed",
            "provider new is new: kind echo, model echo",
            "profile default: a, echo → new, a",
            "profile coding is new: a",
        ]
        assert reload(served).stdout.splitlines() == [
            "reloaded",
            "providers, models, profiles and the paid gate are as before",
        ]


def test_an_invalid_configuration_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, process.config([ECHO])) as served:
        eventually(lambda: is_ready(served))
        write_config(tmp_path, "providers: []")
        ended = reload(served)
        assert ended.code == 3
        assert "the configuration is invalid, so the previous one stays:" in ended.stderr
        assert "providers.yaml:1: profiles: is missing" in ended.stderr
        assert served.chat().rest().status == 200


def test_all_workers_are_waited_for(tmp_path: Path) -> None:
    with serving(tmp_path, process.config([ECHO]), "--workers", "2") as served:
        eventually(lambda: len(workers_of(served)) == 2 and is_ready(served, 2))
        write_config(tmp_path, process.config([ECHO], {"default": ["echo"], "other": ["echo"]}))
        ended = reload(served)
        assert ended.stdout.splitlines() == ["reloaded in 2 processes", "profile other is new: echo"]
        assert len(read(served.events_path, "config-reloaded")) == 2


def test_a_proxy_that_does_not_answer_is_reported(tmp_path: Path) -> None:
    with serving(tmp_path, process.config([ECHO])) as served:
        eventually(lambda: is_ready(served))
        served.command.signal(signal.SIGSTOP)
        ended = reload(served, "--timeout", "0.2")
        served.command.signal(signal.SIGCONT)
        assert ended.code == 1
        assert "1 of 1 processes reported nothing within 0.2 s; see the log of the proxy" in ended.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_on_a_mac_lsof_finds_the_proxy(workers: int, tmp_path: Path) -> None:
    program("lsof")
    with serving(tmp_path, process.config([ECHO]), "--workers", str(workers)) as served:
        eventually(lambda: is_ready(served, workers))
        command = [sys.executable, "-m", "support.proxy.macos", "reload", "--events", str(served.events_path)]
        tests = str(Path(__file__).parents[2])
        done = subprocess.run(
            command, env=clean_environment(PYTHONPATH=tests), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("reloaded")
        assert len(read(served.events_path, "config-reloaded")) == workers


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ("none.jsonl", "is running; start one with coderouter run"),
        ("off", "events are off, so the proxy cannot"),
    ],
)
def test_without_a_proxy_it_says_what_to_do(events: str, words: str, tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "reload", "--events", events)
    assert ended.code == 1
    assert words in ended.stderr


def test_a_process_that_only_looks_at_the_lock_gets_no_signal(tmp_path: Path) -> None:
    with serving(tmp_path, process.config([ECHO])) as served:
        eventually(lambda: is_ready(served))
        with served.events_path.with_name("events.jsonl.alive").open():  # this process would die of a SIGHUP
            assert reload(served).code == 0
