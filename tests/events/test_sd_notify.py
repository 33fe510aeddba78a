"""What both programs report to systemd, word for word."""

import os
from pathlib import Path

import pytest

from coderouter_events import sd_notify
from support.systemd.notify import notify_socket


@pytest.mark.parametrize("in_a_folder", [True, False])
def test_assignments_arrive_together(
    in_a_folder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with notify_socket(tmp_path if in_a_folder else None) as heard:
        monkeypatch.setenv("NOTIFY_SOCKET", heard.env["NOTIFY_SOCKET"])
        sd_notify.notify(sd_notify.READY, sd_notify.status("all\nis well"))
        sd_notify.notify(sd_notify.ALIVE)
        assert heard.messages() == [{"READY": "1", "STATUS": "all is well"}, {"WATCHDOG": "1"}]


def test_without_a_socket_nothing_is_sent_and_a_dead_one_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    sd_notify.notify(sd_notify.READY)
    assert caplog.messages == []
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    sd_notify.notify(sd_notify.READY)
    assert caplog.messages == ["cannot notify systemd of READY=1 (No such file or directory)"]


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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert sd_notify.watchdog_s() == seconds
