"""Each unit's ExecStart line, run as its user with its environment: what systemd and users see of it."""

import re
from pathlib import Path
from signal import SIGTERM

import psutil
import pytest

from coderouter_events.lock import LOCK_SUFFIX
from coderouter_events.paths import SPILL_SUFFIX
from support.events import read
from support.processes import eventually, listens
from support.proxy import openai_answers as says
from support.proxy import process as proxy
from support.proxy.upstream import HANG, Pause, Provider, stream
from support.scratch import ScratchRoot
from support.systemd.notify import notify_socket
from support.systemd.services import EVENTS, running_exporter, running_proxy

WATCHDOG_S = 1.0  # the unit's is too long for a test


@pytest.fixture(autouse=True)
def configuration(root: ScratchRoot, a: Provider) -> None:
    root.configure(proxy.config([proxy.provider("a", a.base_url)]))


def ids(root: ScratchRoot, *names: str) -> set[int]:
    lines = root.path("/etc/group").read_text().splitlines()
    found = {name: int(gid) for name, _, gid, _ in (line.split(":") for line in lines)}
    return {found[name] for name in names}


def test_the_proxy_reports_ready_and_alive_and_lets_a_stream_end(root: ScratchRoot, a: Provider) -> None:
    pause = Pause()
    a.plays(says.streamed("Hello", pause, " there."))
    with notify_socket(watchdog_s=WATCHDOG_S) as systemd, running_proxy(root, **systemd.env) as served:
        systemd.wait_for("READY")
        assert listens(served.port)
        process = psutil.Process(served.command.process.pid)
        assert process.username() != "root"
        status = Path(f"/proc/{process.pid}/status").read_text()
        groups = {int(gid) for gid in re.findall(r"^Groups:(.*)$", status, re.MULTILINE)[0].split()}
        assert groups == ids(root, "coderouter", "coderouter-events")
        eventually(lambda: len(systemd.messages("WATCHDOG")) >= 3)

        exchange = served.chat(stream=True)
        begun = exchange.read_past(b"Hello")
        served.command.signal(SIGTERM)
        systemd.wait_for("STOPPING")
        pause.go()
        assert (begun + exchange.rest().body).endswith(says.DONE)
        assert served.command.wait(root.unit("coderouter").seconds("TimeoutStopSec")) == 0
    [finished] = read(served.events_path, "request-finished")
    assert finished["outcome"] == "ok"
    assert read(served.events_path)[-1]["msg"] == "coderouter-shutdown"


def test_a_stream_that_does_not_end_in_time_ends_with_its_error_frame(root: ScratchRoot, a: Provider) -> None:
    a.plays(stream(says.ROLE, says.text("Hello"), HANG))
    with running_proxy(root, CODEROUTER_GRACE_S="0.2") as served:
        exchange = served.chat(stream=True)
        begun = exchange.read_past(b"Hello")
        assert served.command.stop() == 0
        assert b'"error"' in begun + exchange.rest().body


def test_the_proxy_has_time_to_finish_all_requests_before_systemd_kills_it(root: ScratchRoot) -> None:
    unit = root.unit("coderouter")
    with notify_socket() as systemd, running_proxy(root, **systemd.env) as served:
        systemd.wait_for("READY")
        served.command.stop()
        [stopping] = systemd.messages("STOPPING")
    assert int(stopping["EXTEND_TIMEOUT_USEC"]) / 1e6 < unit.seconds("TimeoutStopSec")


def test_the_exporter_reports_ready_and_alive_and_counts_events(root: ScratchRoot, a: Provider) -> None:
    a.plays(always=says.answer())
    with (
        notify_socket(watchdog_s=WATCHDOG_S) as systemd,
        running_exporter(root, **systemd.env) as exporter,
        running_proxy(root) as served,
    ):
        systemd.wait_for("READY")
        assert exporter.is_ready()
        eventually(lambda: len(systemd.messages("WATCHDOG")) >= 3)
        before = exporter.tries("a")
        served.chat().rest()
        assert exporter.tries("a") == before + 1
        assert exporter.command.stop(within_s=root.unit("cr-exporter").seconds("TimeoutStopSec")) == 0
        systemd.wait_for("STOPPING")


def test_the_exporter_may_read_the_event_file_and_no_other_file_of_the_proxy(
    root: ScratchRoot, a: Provider
) -> None:
    with running_proxy(root):
        eventually(root.path(EVENTS).exists)
    spend = "/var/lib/coderouter/spend.db"
    root.path(spend).touch(0o644)
    places = ("/etc/coderouter", "/var/lib/coderouter", "/var/log/coderouter")
    readable = ("find", *places, "-type", "f", "-readable")
    writable = ("find", *places, "-writable")

    def found(*command: str, user: str) -> list[str]:
        return sorted(root.output("sh", "-c", '"$@" 2>/dev/null || true', "sh", *command, user=user).split())

    assert found(*readable, user="cr-exporter") == [EVENTS, EVENTS + LOCK_SUFFIX]
    assert found(*writable, user="cr-exporter") == []
    [spill] = root.path(spend).parent.glob(f"*{SPILL_SUFFIX}")
    session_key = "/var/lib/coderouter/session.key"
    state = sorted([f"/var/lib/coderouter/{spill.name}", session_key, spend])
    own = ["/etc/coderouter/providers.yaml", *state, EVENTS, EVENTS + LOCK_SUFFIX]
    assert found(*readable, user="coderouter") == own
    assert "/etc" not in " ".join(found(*writable, user="coderouter"))


@pytest.mark.parametrize("name", ["coderouter", "cr-exporter"])
def test_a_failed_start_exits_with_the_code_after_which_systemd_does_not_restart(
    root: ScratchRoot, a: Provider, name: str
) -> None:
    with running_proxy(root) as served:
        address = {"CODEROUTER_PORT": str(served.port), "CR_EXPORTER_LISTEN": f"127.0.0.1:{served.port}"}
        with root.service(name, **address) as command:
            assert str(command.wait()) == root.unit(name).one("RestartPreventExitStatus")
