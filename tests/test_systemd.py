"""What both programs tell systemd, word by word."""

import os
from pathlib import Path
from types import ModuleType

import pytest

import coderouter_exporter.systemd
import coderouter_proxy.systemd
from support.notify import notify_socket

BOTH = [coderouter_proxy.systemd, coderouter_exporter.systemd]


def test_the_module_of_both_packages_is_the_same() -> None:
    one, other = (Path(str(module.__file__)).read_bytes() for module in BOTH)
    assert one == other


@pytest.mark.parametrize("systemd", BOTH)
@pytest.mark.parametrize("in_a_folder", [True, False])
def test_assignments_arrive_together(
    in_a_folder: bool, systemd: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with notify_socket(tmp_path if in_a_folder else None) as heard:
        monkeypatch.setenv("NOTIFY_SOCKET", heard.env["NOTIFY_SOCKET"])
        systemd.notify(systemd.READY, systemd.status("all\nis well"))
        systemd.notify(systemd.ALIVE)
        assert heard.told() == [{"READY": "1", "STATUS": "all is well"}, {"WATCHDOG": "1"}]


@pytest.mark.parametrize("systemd", BOTH)
def test_without_a_socket_nothing_is_told_and_with_a_dead_one_nothing_raised(
    systemd: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.notify(systemd.READY)
    assert caplog.messages == []
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    systemd.notify(systemd.READY)
    assert caplog.messages == ["cannot tell systemd READY=1 ([Errno 2] No such file or directory)"]


@pytest.mark.parametrize("systemd", BOTH)
@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("30000000", None, 30.0),
        pytest.param("500000", str(os.getpid()), 0.5, id="its own"),
        ("30000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_the_watchdog_is_for_the_process_that_it_names(
    usec: str | None,
    pid: str | None,
    seconds: float | None,
    systemd: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert systemd.watchdog_s() == seconds
