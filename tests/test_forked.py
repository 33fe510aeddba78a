"""Programs that tests start by `fork` do what they do when a user starts them."""

import sys
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from support.exporter.process import CR_EXPORTER, append, tried
from support.forked import Forked
from support.processes import clean_environment, running
from support.proxy.process import CODEROUTER
from support.run_command import Ended, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a user's start is used here")
AS_A_USER = ("env",)


@pytest.mark.parametrize(
    "command",
    [
        (CODEROUTER, "--version"),
        (CODEROUTER, "check-config"),
        (CODEROUTER, "srve"),
        (CODEROUTER, "serve", "--config", "none.yaml"),
        (CR_EXPORTER, "fold", "events.jsonl"),
        (CR_EXPORTER, "fold", "none.jsonl"),
    ],
    ids=lambda command: " ".join(map(str, (command[0].name, *command[1:]))),
)
def test_output_and_exit_code_are_those_of_a_start(command: tuple[str | Path, ...], tmp_path: Path) -> None:
    append(tmp_path / "events.jsonl", tried())
    env = clean_environment(HOME=str(tmp_path), TZ="Asia/Tokyo", NO_KEY="x")

    def ended(*prefix: str) -> Ended:
        return run((*prefix, *command), env, tmp_path)

    assert ended() == ended(*AS_A_USER)


def test_signals_reach_it_and_its_exit_code_says_so() -> None:
    command = (CODEROUTER, "serve", "--port", "0", "--events", "off")
    for signal, code in ((SIGTERM, 0), (SIGKILL, -SIGKILL)):
        with running(*command) as proxy:
            assert isinstance(proxy.process, Forked)
            proxy.wait_for_output("listens on")
            assert proxy.stop(signal) == code


def test_what_python_reads_at_its_start_takes_a_start() -> None:
    with running(CODEROUTER, "--version", env=clean_environment(PYTHONHASHSEED="7")) as started:
        assert not isinstance(started.process, Forked)
        assert started.wait() == 0
