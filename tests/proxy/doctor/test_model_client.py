"""A provider that hangs, breaks off, floods or rejects ends its probe in time, with a result that says why."""

from pathlib import Path

import pytest

from coderouter_proxy.doctor import result
from coderouter_proxy.doctor.probes import run
from support.processes import free_port
from support.proxy import openai_answers as openai
from support.proxy import process
from support.proxy.doctor import ProbeResults, run_probes, write_config
from support.proxy.model import Model
from support.proxy.upstream import CUT, HANG, Drip, Provider, Received, Script, head, stream, whole

pytestmark = pytest.mark.slow

KEY = "a plain secret of no known shape"
TIMEOUT_S = 1

CHUNKED = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
FLOOD = Drip(b'{"choices": ' + b" " * 65536, every_s=0)

FAILURES: dict[str, tuple[Script, str, str]] = {
    "hangs": ((HANG,), "TRANSPORT_ERROR", "no complete answer within 1 s → raise timeout_s"),
    "hangs within the body": (
        (head(200, {"Content-Length": "9"}), b"{", HANG),
        "TRANSPORT_ERROR",
        "no complete answer within 1 s",
    ),
    "drips forever": ((head(200, CHUNKED), Drip(b" ")), "TRANSPORT_ERROR", "no complete answer within 1 s"),
    "floods": ((head(200, CHUNKED), FLOOD), "TRANSPORT_ERROR", "is longer than 1048576 bytes"),
    "breaks off": ((CUT,), "TRANSPORT_ERROR", "→ start the server, or correct base_url"),
    "is a web page": (whole(b"<html>"), "TRANSPORT_ERROR", "not a JSON object → correct base_url or kind"),
    "is another wire": (whole({"object": "list"}), "TRANSPORT_ERROR", "without choices"),
    "has no text": (openai.answer(""), "TRANSPORT_ERROR", "the answer has no text"),
    "is empty": (whole(b""), "TRANSPORT_ERROR", "the answer is empty"),
    "redirects": (
        whole(b"", status=301, headers={"Location": "http://127.0.0.1:1/"}),
        "TRANSPORT_ERROR",
        "redirects with 301; correct base_url",
    ),
    "fails": (openai.error("out of memory", 500), "TRANSPORT_ERROR", "responds with 500: out of memory"),
    "is busy": (
        openai.error("slow down", 429),
        "TRANSPORT_ERROR",
        "responds with 429: slow down → try again",
    ),
    "has no such model": (openai.error("no model m", 404), "UNSUPPORTED", "responds with 404: no model m"),
    "rejects": (openai.error("no top_k here", 400), "UNSUPPORTED", "correct extra_body"),
    "requires a key": (openai.error("who are you", 401), "AUTH_FAIL", "→ set api_key_env"),
    "requires money": (openai.error("no balance", 402), "AUTH_FAIL", "top it up"),
}


@pytest.mark.parametrize(("script", "verdict", "text"), FAILURES.values(), ids=FAILURES)
def test_if_the_first_probe_fails_the_others_send_no_request(
    script: Script, verdict: str, text: str, tmp_path: Path, a: Provider
) -> None:
    found = run_probes(tmp_path, a, script, timeout_s=TIMEOUT_S)
    assert found.verdicts == {probe.name: "SKIP" for probe in run.PROBES} | {"chat": verdict}
    assert text in found.text("chat")
    assert found.by_check["context"].message == "chat failed"
    assert len(a.requests) == 1
    assert result.exit_code(found.results) == 1


STREAMS: dict[str, tuple[Script, str]] = {
    "hangs": (stream(openai.ROLE, openai.text("1, 2"), HANG), "no complete answer within 1 s"),
    "continues forever": (stream(openai.ROLE, Drip(openai.text("1, "))), "no complete answer within 1 s"),
    "floods": (stream(Drip(openai.text("1, " * 20_000), every_s=0)), "is longer than 1048576 bytes"),
    "pings forever": (stream(Drip(b": ping\n\n")), "no complete answer within 1 s"),
    "breaks off": (stream(openai.ROLE, openai.text("1, 2, 3"), CUT), "broke in the middle"),
    "is a web page": (whole(b"<html>"), "neither a stream nor a JSON object"),
    "is empty": (stream(), "ended before any content"),
    "is garbage": (stream(b"data: <html>\n\n"), "not a JSON object"),
    "reports an error": (
        stream(openai.ROLE, openai.error_event("overloaded")),
        "responds with 529: overloaded",
    ),
    "has only an end mark": (stream(openai.DONE), "ended before any content"),
}


@pytest.mark.parametrize(("script", "text"), STREAMS.values(), ids=STREAMS)
def test_a_stream_that_fails_fails_only_its_own_probe(
    script: Script, text: str, tmp_path: Path, a: Provider
) -> None:
    def answers(request: Received) -> Script:
        return script if request.json.get("stream") else Model()(request)

    found = run_probes(tmp_path, a, answers, timeout_s=TIMEOUT_S)
    others = {"chat": "OK", "context": "OK", "tools": "OK", "thinking": "SKIP", "leaks": "OK"}
    assert found.verdicts == others | {"streaming": "TRANSPORT_ERROR"}
    assert text in found.text("streaming")


def test_a_stream_without_its_last_blank_line_or_its_end_mark_is_complete(
    tmp_path: Path, a: Provider
) -> None:
    count = openai.text(", ".join(map(str, range(1, 101))))
    for end in (b"data: [DONE]\n", b""):
        script = stream(count, openai.STOP, end) if end else stream(count, openai.STOP)

        def answers(request: Received, script: Script = script) -> Script:
            return script if request.json.get("stream") else Model()(request)

        assert run_probes(tmp_path, a, answers).verdicts["streaming"] == "OK"


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    port = free_port()
    config = process.config([process.provider("a", f"http://127.0.0.1:{port}/v1")])
    found = ProbeResults(process.write_config(tmp_path, config))
    assert found.verdicts["chat"] == "TRANSPORT_ERROR"
    assert f"cannot connect to 127.0.0.1:{port}: Connection refused → start" in found.text("chat")


@pytest.mark.parametrize(
    ("key", "remedy"),
    [(KEY, "correct the key in A_KEY"), ("", "A_KEY is not set: put the key in it")],
)
def test_a_key_that_is_rejected_is_not_shown(
    key: str, remedy: str, tmp_path: Path, a: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", key)
    found = run_probes(tmp_path, a, openai.error(f"wrong key {KEY}", 401), api_key_env="A_KEY")
    assert found.verdicts["chat"] == "AUTH_FAIL"
    assert found.by_check["chat"].remedy == remedy
    assert a.request.headers.get("authorization") == (f"Bearer {key}" if key else None)
    assert (KEY in found.text("chat")) is (not key)


def test_the_time_limit_of_each_question_can_be_set(tmp_path: Path, a: Provider) -> None:
    a.plays(always=Model(hangs_at="Count"))
    found = ProbeResults(write_config(tmp_path, a), timeout_s=TIMEOUT_S)
    assert found.by_check["streaming"].message == "no complete answer within 1 s"
    assert found.verdicts["leaks"] == "OK"
