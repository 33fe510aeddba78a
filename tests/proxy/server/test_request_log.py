"""The log has one line for each finished request, says what failed, and never waits for its reader."""

import fcntl
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.conftest import A_KEY
from support.processes import clean_environment, eventually, free_port, listens
from support.proxy import client
from support.proxy import openai_answers as says
from support.proxy.process import CODEROUTER, Proxy, config, provider, serving, write_config
from support.proxy.upstream import Provider, whole

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
PROMPT = "the words of the prompt"
PRICES = {"input_per_mtok": 100, "output_per_mtok": 1000}


@contextmanager
def logging_proxy(folder: Path, a: Provider, *options: str) -> Iterator[Proxy]:
    first = provider("a", a.base_url, api_key_env="A_KEY", cost=PRICES)
    paid = provider("cloud", "http://127.0.0.1:1/v1", paid=True)
    chains = {"default": ["cloud", "a", "echo"], "paid": ["cloud"]}
    with serving(folder, config([first, paid, ECHO], chains), *options, env={"A_KEY": A_KEY}) as proxy:
        yield proxy


def lines_of(proxy: Proxy, request_id: str) -> list[str]:
    """Return the lines about the request without their times, once it has finished."""
    eventually(lambda: proxy.finished(request_id))
    proxy.get("/healthz")  # what follows the event has happened before the next request
    return [
        re.sub(rf"^{STAMP} ", "", line).replace(request_id, "ID")
        for line in proxy.command.stderr.splitlines()
        if request_id in line
    ]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_finished_request_is_one_line(streamed: bool, tmp_path: Path, a: Provider) -> None:
    with logging_proxy(tmp_path, a) as proxy:
        a.plays(says.hello(as_stream=streamed))
        request_id = proxy.chat(stream=streamed).rest().request_id
        [line] = lines_of(proxy, request_id)
    said = r"INFO ID 200 ok: agent other, profile default, a/a-model, 1 try, tokens 10 in 3 out, 2 cached, \$0\.00402, "
    assert re.fullmatch(said + (r"ttft \d\.\d{3} s, " if streamed else "") + r"\d\.\d{3} s", line)


def test_a_failed_try_is_a_warning_with_its_reason_in_one_line(tmp_path: Path, a: Provider) -> None:
    with logging_proxy(tmp_path, a) as proxy:
        words = f"no\nroom\x1b[2J for {A_KEY} " + "x" * 300
        a.plays(whole({"error": {"message": words}}, status=500))
        failed, finished = lines_of(proxy, proxy.chat().rest().request_id)
    assert re.match(
        r"WARNING ID: a failed after \d\.\d{3} s: upstream_5xx 500: no room\\x1b\[2J for \*\*\* x+…; "
        r"the next provider is tried$",
        failed,
    )
    assert "echo/echo, 2 tries" in finished


def test_json_lines_have_the_fields_of_the_event(tmp_path: Path, a: Provider) -> None:
    with logging_proxy(tmp_path, a, "--log-format", "json") as proxy:
        a.plays(whole({"error": {"message": "no"}}, status=500))
        request_id = proxy.chat().rest().request_id
        event = eventually(lambda: proxy.finished(request_id))
        assert proxy.command.stop() == 0
        lines = [json.loads(line) for line in proxy.command.stderr.splitlines()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"]) for line in lines)
    assert lines[0]["msg"].startswith("coderouter 2.0.0 listens on ")
    [failed] = [line for line in lines if line["msg"] == "provider-failed"]
    assert (failed["level"], failed["provider"], failed["status"]) == ("WARNING", "a", 500)
    [finished] = [line for line in lines if line["msg"] == "request-finished"]
    own = {name: value for name, value in event.items() if name not in ("ts", "logger", "writer", "seq")}
    assert {name: finished[name] for name in own} == own


def test_without_the_access_log_only_failures_have_lines(tmp_path: Path, a: Provider) -> None:
    with logging_proxy(tmp_path, a, "--access-log", "off") as proxy:
        a.plays(says.answer())
        assert lines_of(proxy, proxy.chat().rest().request_id) == []
        a.plays(whole({"error": {"message": "no"}}, status=500))
        [failed] = lines_of(proxy, proxy.chat().rest().request_id)
    assert failed.startswith("WARNING ID: a failed")


def test_events_pass_untouched_when_no_line_would_be_shown() -> None:
    run = "from coderouter_http.logs import *; from coderouter_proxy.server.request_log import logged; "
    run += "log_to_stderr(LogOptions(level='error')); assert logged(print) is print"
    subprocess.run([sys.executable, "-c", run], env=clean_environment(), check=True)


def test_debug_says_why_providers_are_skipped_and_tried(tmp_path: Path, a: Provider) -> None:
    with logging_proxy(tmp_path, a, "--log-level", "debug") as proxy:
        a.plays(says.answer())
        lines = lines_of(proxy, proxy.chat().rest().request_id)
        blocked = lines_of(proxy, proxy.chat({"X-CodeRouter-Profile": "paid"}).rest().request_id)
    assert lines[:3] == [
        "DEBUG ID: profile default: cloud, a, echo",
        "DEBUG ID: cloud is skipped: paid, and allow_paid is false",
        "DEBUG ID: a is tried",
    ]
    assert re.fullmatch(r"DEBUG ID: a answers after \d\.\d{3} s", lines[3])
    assert any(line.startswith("WARNING ID: profile paid has only paid providers; set ") for line in blocked)


def test_no_line_has_anything_of_a_body_or_a_key(tmp_path: Path, a: Provider) -> None:
    with logging_proxy(tmp_path, a, "--log-level", "debug") as proxy:
        for script in (
            says.answer("the words of the answer"),
            whole({"error": {"message": A_KEY}}, status=401),
        ):
            a.plays(script)
            messages = [{"role": "user", "content": PROMPT}]
            lines_of(proxy, proxy.chat(messages=messages).rest().request_id)
        assert proxy.command.stop() == 0
        log = proxy.command.stderr
    assert all(words not in log for words in (PROMPT, "the words of the answer", A_KEY))


def test_two_workers_log_alike(tmp_path: Path) -> None:
    with serving(tmp_path, config([ECHO]), "--workers", "2", "--log-format", "json") as proxy:
        ids = [proxy.chat().rest().request_id for _ in range(8)]
        eventually(lambda: all(each in proxy.command.stderr for each in ids))
        lines = [json.loads(line) for line in proxy.command.stderr.splitlines()]
    assert sum(line["msg"] == "request-finished" for line in lines) == 8


@pytest.mark.parametrize("kind", ["pipe", "terminal"])
def test_requests_are_answered_while_nobody_reads_the_log(kind: str, tmp_path: Path) -> None:
    write_config(tmp_path, config([ECHO]))
    reader, writer = os.pipe() if kind == "pipe" else pty.openpty()
    if kind == "pipe":
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    port = free_port()
    command = [str(CODEROUTER), "serve", "--port", str(port), "--events", "off", "--log-level", "debug"]
    environment = clean_environment(HOME=str(tmp_path))
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=writer) as process:
        try:
            eventually(lambda: listens(port))
            body = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
            headers = {"Content-Type": "application/json"}
            for _ in range(400):
                answer = client.Exchange(port, "POST", "/v1/chat/completions", body, headers).rest()
                assert answer.status == 200
            assert os.get_blocking(writer), "other programs share the flags of stderr"
            os.read(reader, 1 << 20)
            eventually(lambda: said_how_many_were_dropped(port, body, reader))
        finally:
            process.kill()
    os.close(reader)
    os.close(writer)


def said_how_many_were_dropped(port: int, body: bytes, reader: int) -> bool:
    headers = {"Content-Type": "application/json"}
    assert client.Exchange(port, "POST", "/v1/chat/completions", body, headers).rest().status == 200
    return re.search(rb"\d+ log lines were dropped", os.read(reader, 1 << 20)) is not None


WARN = "from coderouter_http.logs import *; log_to_stderr(LogOptions()); logging.warning('careful')"


@pytest.mark.parametrize(
    ("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_gets_colours_if_it_has_them(variables: dict[str, str], coloured: bool) -> None:
    reader, writer = pty.openpty()
    environment = clean_environment(TERM="xterm") | variables
    subprocess.run([sys.executable, "-c", WARN], env=environment, stderr=writer, check=True)
    shown = os.read(reader, 1000).decode()
    os.close(reader)
    os.close(writer)
    assert ("\x1b[33mWARNING\x1b[0m careful" in shown) == coloured
    assert ("\x1b" in shown) == coloured


def test_other_destinations_get_no_colours() -> None:
    environment = clean_environment(TERM="xterm")
    done = subprocess.run([sys.executable, "-c", WARN], env=environment, capture_output=True, check=True)
    assert re.fullmatch(rf"{STAMP} WARNING careful\n", done.stderr.decode())
