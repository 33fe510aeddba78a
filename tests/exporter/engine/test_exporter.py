"""The whole command, as users and supervisors see it."""

import gzip
import json
import random
import signal
import socket
import sqlite3
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from support.exporter.process import CR_EXPORTER, Exporter, append, line, running_exporter, samples, tried
from support.processes import clean_environment, eventually, free_port, running
from support.run_command import run


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "exporter.db"


def refused(*arguments: str | Path, **env: str) -> str:
    """Return the one line that a failed start writes."""
    ended = run((CR_EXPORTER, *arguments), clean_environment(**env))
    assert ended.code == 3, ended.stderr
    errors = [line for line in ended.stderr.splitlines() if " INFO " not in line]
    assert len(errors) == 1, ended.stderr
    return errors[0]


def test_a_scrape_holds_every_event_written_before_it(events: Path, state: Path) -> None:
    with running_exporter(events, state=state) as exporter:
        for number in range(1, 101):
            append(events, tried())
            assert exporter.tries() == number


def test_a_scrape_during_another_one_holds_every_event_written_before_it_too(
    events: Path, state: Path
) -> None:
    with running_exporter(events, state=state) as exporter:

        def write_and_scrape(provider: str) -> None:
            for number in range(1, 41):
                append(events, tried(provider))
                assert exporter.tries(provider) == number

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write_and_scrape, "abcdefgh"))


def test_events_before_the_first_start_count(events: Path, state: Path) -> None:
    append(events, tried(), tried())
    with running_exporter(events, state=state) as exporter:
        assert exporter.tries() == 2


def test_several_event_files_are_counted_together(tmp_path: Path, state: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    append(one, tried())
    append(two, tried(), tried())
    with running_exporter(one, two, state=state) as exporter:
        assert exporter.tries() == 3
    with running_exporter(two, state=state) as exporter:
        assert exporter.tries() == 3
    with running_exporter(one, two, state=state) as exporter:
        assert exporter.tries() == 3


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly_after_a_last_commit(
    events: Path, state: Path, signum: signal.Signals
) -> None:
    with running_exporter(events, state=state) as exporter:
        eventually(exporter.is_ready)
        append(events, tried())
        assert exporter.command.stop(signum) == 0
        assert "Traceback" not in exporter.command.stderr
    events.unlink()
    with running_exporter(events, state=state) as exporter:
        assert exporter.tries() == 1


WRITER = """
    import os, sys, time
    path, enough = sys.argv[1:]
    number = 0
    while not os.path.exists(enough):
        line = b'{"ts":"2026-11-23T19:16:58.250Z","msg":"try-provider","writer":"w","seq":%d,"provider":"local"}'
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, line % number + bytes([10]))
        os.close(fd)
        number += 1
        if number % 10 == 0:
            time.sleep(0.001)
    print(number, file=sys.stderr)
"""


def test_kill_9_and_renames_under_load_lose_nothing_and_no_counter_falls(
    events: Path, state: Path, tmp_path: Path
) -> None:
    chance = random.Random(7)
    seen = 0.0
    rotated = 0
    enough = tmp_path / "enough"
    with running(sys.executable, "-c", textwrap.dedent(WRITER), events, enough) as writer:
        while rotated <= 5:
            with running_exporter(events, state=state) as exporter:
                for _ in range(chance.randrange(1, 6)):
                    tries = exporter.tries()
                    assert tries >= seen
                    seen = tries
                    if chance.random() < 0.5 and events.exists():
                        rotated += 1
                        events.rename(events.with_name(f"events.jsonl-{rotated:04}"))
                exporter.command.stop(signal.SIGKILL)
        enough.touch()
        assert writer.wait() == 0, writer.stderr
        count = int(writer.stderr)
    with running_exporter(events, state=state) as exporter:
        assert exporter.tries() == count


def test_it_is_not_ready_until_it_has_caught_up(events: Path, state: Path) -> None:
    block = tried() * 10_000
    for _ in range(30):
        append(events, block)
    with running_exporter(events, state=state) as exporter:
        early = exporter.get("/-/ready")[0].status
        assert exporter.get("/-/healthy")[0].status == 200
        eventually(exporter.is_ready)
        assert early == 503
        assert exporter.tries() == 300_000


def test_while_commits_fail_the_last_committed_values_are_served_and_it_is_not_ready(
    events: Path, state: Path
) -> None:
    append(events, tried())
    with running_exporter(events, state=state) as exporter:
        assert exporter.tries() == 1
        lock = sqlite3.connect(state, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        append(events, tried())
        eventually(lambda: not exporter.is_ready(), within_s=30)
        assert exporter.tries() == 1
        assert exporter.get("/-/healthy")[0].status == 200
        assert exporter.scrape()["cr_exporter_checkpoint_failing", ()] > 0
        append(events, tried() * 1000)
        assert eventually(lambda: exporter.scrape()["cr_exporter_bytes_behind", ()]) == len(tried() * 1000)
        lock.execute("ROLLBACK")
        lock.close()
        eventually(exporter.is_ready, within_s=30)
        assert exporter.tries() == 1002
        assert "cannot commit to" in exporter.command.stderr


def test_a_missing_file_is_reported_and_waited_for(tmp_path: Path, state: Path) -> None:
    events = tmp_path / "later" / "events.jsonl"
    with running_exporter(events, state=state) as exporter:
        assert exporter.scrape()["cr_exporter_source_readable", (str(events),)] == 0
        events.parent.mkdir()
        append(events, tried())
        assert exporter.tries() == 1
        assert exporter.scrape()["cr_exporter_source_readable", (str(events),)] == 1


def served(exporter: Exporter, **headers: str) -> tuple[str, str]:
    response, body = exporter.get("/metrics", **headers)
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    if response.headers["content-encoding"] == "gzip":
        body = gzip.decompress(body)
    return response.headers["content-type"], body.decode()


def test_both_formats_are_served_plain_and_compressed(events: Path, state: Path) -> None:
    append(events, tried('odd "name"\\\n日本'))
    with running_exporter(events, state=state) as exporter:
        content_type, text = served(exporter)
        assert content_type == "text/plain; version=0.0.4; charset=utf-8"
        assert samples(text)["coderouter_provider_attempts_total", ('odd "name"\\\n日本',)] == 1
        assert "_created" not in text

        content_type, text = served(exporter, accept="application/openmetrics-text", accept_encoding="gzip")
        assert content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert text.endswith("# EOF\n")
        families = {family.name: family for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
        names = [sample.name for sample in families["coderouter_requests"].samples]
        assert names == ["coderouter_requests_total", "coderouter_requests_created"]


def test_created_survives_a_restart(events: Path, state: Path) -> None:
    def created() -> list[str]:
        with running_exporter(events, state=state) as exporter:
            _, text = served(exporter, accept="application/openmetrics-text")
            return [line for line in text.splitlines() if line.startswith("coderouter_requests_created")]

    assert created() == created()


def test_the_report_holds_every_event_written_before_it_too(events: Path, state: Path) -> None:
    append(events, line("coderouter-startup", version="2.0.0", providers=["local"], writer="w"))
    with running_exporter(events, state=state) as exporter:
        for number in range(1, 4):
            append(events, tried())
            response, body = exporter.get("/metrics.json")
            assert response.headers["content-type"] == "application/json"
            assert json.loads(body)["counters"]["requests_total"] == number


def test_the_landing_page_names_the_event_files(events: Path, state: Path) -> None:
    append(events, tried())
    with running_exporter(events, state=state) as exporter:
        eventually(exporter.is_ready)
        response, body = exporter.get("/")
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert str(events) in body.decode()
        for path in ("dashboard", "metrics", "metrics.json", "-/healthy", "-/ready"):
            assert f'href="{path}"' in body.decode()
            assert exporter.get(f"/{path}")[0].status == 200
        assert exporter.get("/nowhere")[0].status == 404


def test_a_port_in_use_is_named_with_the_flag_that_changes_it(events: Path, state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refused("--events", events, "--state", state, "--listen", f"127.0.0.1:{port}")
    assert message == (
        f"cr-exporter: port {port} on 127.0.0.1 is in use by another program; stop it, or choose another address "
        "with --listen HOST:PORT"
    )


def test_a_host_that_does_not_exist_is_no_program_to_stop(events: Path, state: Path) -> None:
    for host in ("a" * 64 + ".example", "nowhere.invalid"):
        message = refused("--events", events, "--state", state, "--listen", f"{host}:9847")
        assert message.startswith(f"cr-exporter: cannot listen on {host}:9847: ")
        assert message.endswith("; choose another address with --listen HOST:PORT")
        assert "stop it" not in message


@pytest.mark.parametrize("events_option", ["", ".", "/"])
def test_an_event_file_without_a_name_is_refused(events_option: str, state: Path) -> None:
    message = refused("--events", events_option, "--state", state, "--listen", "127.0.0.1:0")
    assert message == "cr-exporter: --events names no file; set the proxy's event file, or a glob"


def test_a_second_exporter_on_the_same_state_is_refused(events: Path, state: Path) -> None:
    with running_exporter(events, state=state) as exporter:
        message = refused("--events", events, "--state", state, "--listen", "127.0.0.1:0")
        assert message.startswith(f"cr-exporter: {state} is in use by another cr-exporter")
        assert f"process {exporter.command.process.pid}" in message


def test_a_state_folder_that_cannot_be_written_is_named(events: Path) -> None:
    message = refused("--events", events, "--state", "/dev/null/exporter.db", "--listen", "127.0.0.1:0")
    assert "cannot write the state file /dev/null/exporter.db (/dev/null is not a folder)" in message
    assert "--state" in message


def test_a_corrupt_state_is_refused(events: Path, state: Path) -> None:
    state.parent.mkdir()
    state.write_bytes(b"")
    assert str(state) in refused("--events", events, "--state", state, "--listen", "127.0.0.1:0")


def test_the_event_file_is_no_state_file(events: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    message = refused(
        "--events", events, "--state", tmp_path / "link" / events.name, "--listen", "127.0.0.1:0"
    )
    assert "is the event file" in message
    assert "--state" in message
    assert not events.exists()


def test_events_switched_off_are_refused() -> None:
    assert "--events" in refused("--listen", "127.0.0.1:0", CODEROUTER_EVENTS_PATH="off")


@pytest.mark.parametrize("address", ["9847", ":", "localhost:", "localhost:http", "localhost:70000"])
def test_a_wrong_address_is_explained(address: str) -> None:
    ended = run((CR_EXPORTER, "--listen", address))
    assert ended.code == 2
    assert "write e.g. 127.0.0.1:9847" in ended.stderr


def test_every_flag_has_its_environment_variable(tmp_path: Path) -> None:
    events, state, port = tmp_path / "my.jsonl", tmp_path / "my.db", free_port()
    append(events, tried())
    env = clean_environment(
        CODEROUTER_EVENTS_PATH=str(events),
        CR_EXPORTER_LISTEN=f"127.0.0.1:{port}",
        CR_EXPORTER_STATE=str(state),
        CR_EXPORTER_OLDDIR="old",
        CR_EXPORTER_STATE_RESET="0",
        CR_EXPORTER_LOG_LEVEL="info",
    )
    with running(CR_EXPORTER, env=env) as command:
        exporter = Exporter(command)
        assert exporter.port == port
        assert exporter.tries() == 1
        assert state.exists()
    shown = run((CR_EXPORTER, "--help")).stdout
    for name in (
        "CODEROUTER_EVENTS_PATH",
        "CR_EXPORTER_LISTEN",
        "CR_EXPORTER_STATE",
        "CR_EXPORTER_OLDDIR",
        "CR_EXPORTER_STATE_RESET",
        "CR_EXPORTER_LOG_LEVEL",
    ):
        assert name in shown


def test_the_state_goes_to_the_state_directory_or_beside_the_events(tmp_path: Path) -> None:
    events, directory = tmp_path / "logs" / "events.jsonl", tmp_path / "var"
    for env, state in (({"STATE_DIRECTORY": str(directory)}, directory), ({}, events.parent)):
        with running(
            CR_EXPORTER, "--events", events, "--listen", "127.0.0.1:0", env=clean_environment(**env)
        ) as command:
            Exporter(command)
            assert (state / "exporter.db").exists()


def test_memory_stays_flat_while_a_large_file_is_read(events: Path, state: Path) -> None:
    block = tried(padding="x" * 200) * 3_000
    with running_exporter(events, state=state, prefix=("env",)) as exporter:
        process = psutil.Process(exporter.command.process.pid)
        append(events, block)
        exporter.tries()
        before = process.memory_info().rss
        for _ in range(100):
            append(events, block)
        eventually(lambda: exporter.tries() == 303_000, within_s=60)
        assert process.memory_info().rss - before < 8 << 20
        assert process.memory_info().rss < 60 << 20
    assert events.stat().st_size > 90 << 20
