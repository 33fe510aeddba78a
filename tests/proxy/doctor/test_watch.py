"""`doctor --watch` checks again and again, and says what has changed."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGTERM

import pytest

from coderouter_proxy.doctor.result import Result
from coderouter_proxy.doctor.watching import keep_checking
from support.processes import clean_environment, eventually, free_port
from support.proxy import process
from support.proxy.process import CODEROUTER, serving
from support.run_command import coderouter

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}


def test_a_pipe_gets_every_result_once_and_then_what_changes(tmp_path: Path) -> None:
    process.write_config(tmp_path, process.config([ECHO]))
    port, out = free_port(), tmp_path / "out"
    environment = clean_environment(HOME=str(tmp_path), CODEROUTER_PORT=str(port))
    command = (CODEROUTER, "doctor", "--watch")
    with (
        out.open("wb") as stdout,
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=stdout) as watch,
    ):
        eventually(lambda: "start it, with the exporter: coderouter run" in out.read_text())
        before = len(out.read_text())
        with serving(tmp_path, None, "--port", str(port)):
            eventually(lambda: f"responds at http://127.0.0.1:{port}" in out.read_text())
        changed = out.read_text()[before:]
        watch.send_signal(SIGINT)
        assert watch.wait(30) == 1
    assert "providers.yaml is valid" not in changed


def test_it_asks_no_model_again_and_again(tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "doctor", "--watch", "--all")
    assert ended.code == 1
    assert "--watch checks the pipeline only" in ended.stderr


@pytest.fixture
def _own_handlers() -> Iterator[None]:
    before = {signum: signal.getsignal(signum) for signum in (SIGINT, SIGTERM)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.mark.usefixtures("_own_handlers")
@pytest.mark.parametrize("signum", [SIGINT, SIGTERM])
def test_a_signal_that_a_check_swallows_ends_it_all_the_same(signum: signal.Signals) -> None:
    checks = 0

    def check() -> list[Result]:
        nonlocal checks
        checks += 1
        assert checks == 1
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signum)
        return []

    assert keep_checking(check, as_json=True, interval_s=0) == 0
