"""`coderouter stats` and `coderouter dashboard`, in a real terminal and without one."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from signal import SIGKILL
from threading import Thread

import bcrypt
import pytest
import trustme

from coderouter_exporter.terminal.client import START
from support import run_command
from support.exporter.process import CR_EXPORTER, Exporter, append, line, running_exporter
from support.exporter.request_lines import failed, story
from support.exporter.sample_events import an_hour, startup, utc
from support.processes import clean_environment, eventually, free_port, running
from support.proxy.process import CODEROUTER
from support.terminal.tmux import PROMPT, Terminal, terminal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    folder = tmp_path_factory.mktemp("stats")
    append(folder / "events.jsonl", *an_hour(time.time()))
    with running_exporter(folder / "events.jsonl", state=folder / "exporter.db") as exporter:
        yield exporter


def url(exporter: Exporter) -> str:
    return f"http://127.0.0.1:{exporter.port}"


def run(*arguments: str, code: int = 0, **env: str) -> tuple[str, str]:
    """Return stdout and stderr of the command; neither is a terminal."""
    environment = clean_environment(DISPLAY="", WAYLAND_DISPLAY="", BROWSER="") | env
    ended = run_command.run((CODEROUTER, *arguments), environment)
    assert ended.code == code, ended.stderr
    return ended.stdout, ended.stderr


@contextmanager
def watched_stats(columns: int, lines: int, at: str, **env: str) -> Iterator[Terminal]:
    command = (CODEROUTER, "stats", "--hours", "6", "--url", at, "--interval", "0.2")
    with terminal(columns, lines, *command, env=env) as screen:
        yield screen


def whole_frame(screen: Terminal, words: str, lines: int) -> list[str]:
    """Return the screen once it shows a whole frame of that height with the words.

    A frame is drawn from top to bottom, so a capture may have its beginning only; it is whole when there is text in
    the last line. Later frames of the same size replace it line by line.
    """

    def look() -> list[str]:
        shown = screen.screen
        return shown if len(shown) == lines and shown[-1].strip() and words in "\n".join(shown) else []

    return eventually(look)


def first_words(lines: list[str]) -> list[str]:
    return [line.partition(" ")[0] for line in lines]


def test_it_fills_a_terminal_of_80_by_24_and_follows_its_size(exporter: Exporter) -> None:
    with watched_stats(80, 24, url(exporter)) as screen:
        small = whole_frame(screen, "request-finished", lines=24)
        assert small[0].startswith("CodeRouter 2.0.0")
        assert small[1].startswith("Last 6 h    ▲ answered 403 of 415, 12 failed; 109 requests needed more")
        assert any("● running" in line for line in small[2:4]), "below the headline, which takes two lines"
        assert all(len(line) <= 80 for line in small)
        assert any(line.startswith("ollama") and "415  306     109" in line for line in small)
        assert screen.alternate
        assert screen.colours

        screen.resize(200, 50)
        large = whole_frame(screen, "cannot connect to 127.0.0.1:11434: Connection refused", lines=50)
        assert large[0].startswith("CodeRouter 2.0.0")

        screen.resize(80, 24)
        eventually(lambda: first_words(screen.screen) == first_words(small))


@pytest.mark.parametrize("end", ["C-c", "kill"])
def test_the_terminal_is_left_as_it_was(exporter: Exporter, end: str) -> None:
    with watched_stats(80, 24, url(exporter)) as screen:
        screen.wait_for("request-finished")
        if end == "kill":
            screen.child.terminate()
        else:
            screen.send_keys(end)
        left = screen.wait_for(PROMPT.strip())
        eventually(lambda: not screen.alternate and screen.cursor)
        assert "Traceback" not in "\n".join(left)
        screen.send_keys("echo code $?", "Enter")
        screen.wait_for("code 0")


def test_no_color_turns_colours_off(exporter: Exporter) -> None:
    with watched_stats(80, 24, url(exporter), NO_COLOR="1") as screen:
        screen.wait_for("request-finished")
        assert not screen.colours


def test_a_lost_exporter_is_reported_and_found_again(tmp_path: Path) -> None:
    port = free_port()
    events, state = tmp_path / "events.jsonl", tmp_path / "exporter.db"
    append(events, startup(time.time(), "w"))
    with watched_stats(80, 24, f"http://127.0.0.1:{port}") as screen:
        screen.wait_for("cannot reach")
        with running_exporter(events, state=state, listen=f"127.0.0.1:{port}") as exporter:
            screen.wait_for("Paid gate   ● closed, excludes claude")
            exporter.command.stop(SIGKILL)
            screen.wait_for("Retrying.")
            eventually(lambda: screen.screen[6].startswith("Paid gate   ● closed"))  # below the problem


def test_many_providers_leave_room_for_events_and_failing_ones_come_first(tmp_path: Path) -> None:
    names = [f"provider-{number:02}" for number in range(50)]
    events = tmp_path / "events.jsonl"
    append(
        events,
        startup(time.time(), "w", providers=names, chains={"coding": names}),
        line("provider-failed", provider="provider-49", retryable=True, error_type="connect", error="no"),
    )
    with (
        running_exporter(events, state=tmp_path / "exporter.db") as exporter,
        watched_stats(80, 24, url(exporter)) as screen,
    ):
        shown = whole_frame(screen, "more", lines=24)
        [row] = [number for number, line in enumerate(shown) if line.startswith("provider-49")]
        assert shown[row - 1].startswith("Provider")
        assert any("coderouter-startup" in line for line in shown)


def test_without_a_terminal_it_is_plain_text(exporter: Exporter) -> None:
    text, _ = run("stats", "--once", "--hours", "6", "--url", url(exporter))
    assert "\x1b" not in text
    rows = [line.split() for line in text.splitlines()]
    assert ["ollama", "●", "ok", "415", "306", "109"] in [row[:6] for row in rows]
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("columns", [60, 80])
def test_a_narrow_terminal_has_what_matters_and_says_which_width_shows_the_rest(
    exporter: Exporter, columns: int
) -> None:
    arguments = ("stats", "--once", "--hours", "6", "--url", url(exporter))
    with terminal(columns, 80, CODEROUTER, *arguments, env={}) as screen:
        shown = screen.wait_for("What happened")
    header = next(line.split() for line in shown if line.startswith("Provider"))
    assert {"State", "Tries", "Failed", "Success", "Cost"} <= set(header)
    [row] = [number for number, line in enumerate(shown) if line.startswith("ollama")]
    assert "cannot connect to 127.0.0.1:11434" in shown[row + 1]
    note = next(line for line in shown if line.startswith("A width of "))
    assert "Skipped" in note
    assert max(map(len, shown)) <= columns
    with terminal(int(note.split()[3]), 80, CODEROUTER, *arguments, env={}) as screen:
        wide = "\n".join(screen.wait_for("What happened"))
    assert "Skipped" in wide
    assert "A width of" not in wide


def test_times_of_a_clock_that_is_ahead_are_marked(tmp_path: Path) -> None:
    events, ahead = tmp_path / "events.jsonl", time.time() + 30 * 86400
    wrong = line("provider-failed", ts=utc(ahead), provider="ollama", error="no", writer="w", seq=2)
    append(events, startup(time.time(), "w"), wrong)
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        stdout, _ = run("stats", "--once", "--url", url(exporter))
    assert "clock 30 days ahead" in stdout
    assert " ? no" in stdout


def test_control_characters_in_provider_errors_do_not_reach_the_terminal(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    odd = "[bold]\x1b[2J\x1b]0;taken\x07 \r\n\x9b31m"
    append(events, line("provider-failed", provider=odd, retryable=True, error=odd, error_type=odd))
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        text, _ = run("stats", "--once", "--url", url(exporter))
    assert "[bold]" in text
    assert all(letter == "\n" or letter.isprintable() for letter in text)


def test_json_is_the_unchanged_report(exporter: Exporter) -> None:
    text, _ = run("stats", "--once", "--json", "--url", url(exporter))
    report = json.loads(text)
    assert report["counters"] == json.loads(exporter.get("/metrics.json")[1])["counters"]


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_once_fails_when_the_exporter_cannot_be_reached(arguments: tuple[str, ...]) -> None:
    at = f"http://127.0.0.1:{free_port()}"
    text, error = run("stats", "--once", *arguments, "--url", at, code=1)
    assert (text, error) == (
        "",
        f"coderouter: cannot reach {at} (Connection refused); {START}\n",
    )


class PasswordProtected(BaseHTTPRequestHandler):
    """Requires a name and a password, and then serves a page that is not a report."""

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(b"me:p@ss/word").decode()
        self.send_response(200 if self.headers.get("Authorization") == expected else 401)
        self.end_headers()
        self.wfile.write(b"<p>hello")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_a_name_and_a_password_are_sent_and_never_shown() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), PasswordProtected) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        at = f"127.0.0.1:{server.server_port}"
        _, refused = run("stats", "--once", "--url", f"http://me:wrong@{at}", code=1)
        _, taken = run("stats", "--once", "--url", f"http://me:p%40ss%2Fword@{at}/x/", code=1)
        server.shutdown()
    assert f"http://{at} returned HTTP 401: it requires a name and a password" in refused
    assert taken == f"coderouter: the server at http://{at}/x is not a cr-exporter\n"


WEB = """
tls_server_config: {{cert_file: server.pem, key_file: server.key}}
basic_auth_users: {{me: {hashed}}}
"""


def test_it_uses_tls_and_verifies_the_certificate(tmp_path: Path) -> None:
    ca = trustme.CA()
    issued = ca.issue_cert("localhost")
    issued.private_key_pem.write_to_path(tmp_path / "server.key")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(WEB.format(hashed=hashed))
    arguments = ("--events", tmp_path / "events.jsonl", "--state", tmp_path / "db", "--listen", "127.0.0.1:0")
    env = clean_environment(CR_EXPORTER_WEB_CONFIG_FILE=str(tmp_path / "web.yml"))
    with running(CR_EXPORTER, *arguments, env=env) as command:
        at = "me:secret@localhost:" + command.wait_for_output(r"serving https://127\.0\.0\.1:(\d+)/")[1]
        shown, _ = run("stats", "--once", "--url", f"https://{at}", SSL_CERT_FILE=str(tmp_path / "ca.pem"))
        _, refused = run("stats", "--once", "--url", f"https://{at}", code=1)
    assert "not seen yet" in shown
    assert "certificate verify failed" in refused
    assert "secret" not in refused


@pytest.mark.parametrize("wrong", ["localhost:9847", "ftp://host", "http://", "http://host:99999"])
def test_an_invalid_url_is_refused(wrong: str) -> None:
    _, error = run("stats", "--once", "--url", wrong, code=2)
    assert "is not the URL of an exporter; write e.g. http://127.0.0.1:9847" in error


def test_the_environment_variable_sets_the_url(exporter: Exporter) -> None:
    text, _ = run("stats", "--once", CODEROUTER_EXPORTER_URL=f"{url(exporter)}/metrics.json")
    assert text.startswith("CodeRouter 2.0.0")


def test_the_dashboard_opens_in_a_browser_if_there_is_one_and_its_url_is_printed(
    exporter: Exporter, tmp_path: Path
) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.new && mv {opened}.new {opened}\n')
    browser.chmod(0o755)
    at = url(exporter).replace("http://", "http://me:secret@")
    assert run("dashboard", "--url", at)[0] == f"{url(exporter)}/dashboard\n"
    assert not opened.exists()
    run("dashboard", "--url", at, BROWSER=f"{browser} %s")
    assert opened.read_text() == f"{at}/dashboard\n"


def test_the_dashboard_of_an_exporter_that_does_not_run_is_an_error() -> None:
    listen = f"127.0.0.1:{free_port()}"
    text, error = run("dashboard", code=1, CR_EXPORTER_LISTEN=listen)
    assert (text, error) == (
        "",
        f"coderouter: cannot reach http://{listen} (Connection refused); {START}\n",
    )


def test_a_failure_of_everything_is_red_and_no_first_choice_answered(tmp_path: Path) -> None:
    events, now = tmp_path / "events.jsonl", time.time()
    append(events, startup(now - 60, "w"))
    append(events, *(part for number in range(1, 7) for part in failed(number, now - 10)))
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        text, _ = run("stats", "--once", "--url", url(exporter))
    assert "■ answered 0 of 6, 6 failed" in text
    assert "the first choice answered" not in text


def test_spent_budgets_and_unknown_costs_are_said(tmp_path: Path) -> None:
    events, now = tmp_path / "events.jsonl", time.time()
    append(events, startup(now - 60, "w"))
    append(events, *(part for number in range(1, 4) for part in story(number, now - 1, provider="free")))
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        text, _ = run("stats", "--once", "--url", url(exporter))
        _, body = exporter.get("/api/v1/status")
    row = next(line for line in text.splitlines() if line.startswith("claude"))
    assert "▲ budget spent until 1 " in row
    assert "$5.25 of $5.00" in text
    if json.loads(body)["today"]["requests"] == 3:  # else it is midnight
        assert "Today       ▲ unknown for 3 answers: no price for free; to add it: coderouter prices" in text


def test_what_is_stale_is_dim_and_a_gone_proxy_has_its_command(tmp_path: Path) -> None:
    events, now = tmp_path / "events.jsonl", time.time()
    append(
        events,
        startup(now - 300, "w"),
        line("proxy-heartbeat", ts=utc(now - 300), writer="w", seq=2, in_flight=0, rss_bytes=1),
    )
    with (
        running_exporter(events, state=tmp_path / "exporter.db") as exporter,
        watched_stats(100, 24, url(exporter)) as screen,
    ):
        screen.wait_for("■ gone, last event 5 min ago; to start it: coderouter serve")
        assert "\x1b[2mProxy" not in screen.styled
        exporter.command.stop(SIGKILL)
        screen.wait_for("Retrying.")
        eventually(lambda: "\x1b[2mProxy" in screen.styled)
