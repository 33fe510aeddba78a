"""Providers that hang, break, flood or refuse end their probe in time, with a verdict that says why."""

from pathlib import Path

import pytest

from coderouter_proxy.doctor import result
from coderouter_proxy.doctor.probes import run
from proxy.doctor.conftest import Found, checked, write_config
from support.processes import free_port
from support.proxy import openai_answers as openai
from support.proxy import process
from support.proxy.model import Model
from support.proxy.upstream import CUT, HANG, Drip, Provider, Received, Script, head, stream, whole

KEY = "a plain secret of no known shape"
IN_TIME_S = 1

CHUNKED = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
FLOOD = Drip(b'{"choices": ' + b" " * 65536, every_s=0)

TROUBLE: dict[str, tuple[Script, str, str]] = {
    "hangs": ((HANG,), "TRANSPORT_ERROR", "no whole answer within 1 s → raise timeout_s"),
    "hangs within": (
        (head(200, {"Content-Length": "9"}), b"{", HANG),
        "TRANSPORT_ERROR",
        "no whole answer within 1 s",
    ),
    "drips for ever": ((head(200, CHUNKED), Drip(b" ")), "TRANSPORT_ERROR", "no whole answer within 1 s"),
    "floods": ((head(200, CHUNKED), FLOOD), "TRANSPORT_ERROR", "is longer than 1048576 bytes"),
    "breaks off": ((CUT,), "TRANSPORT_ERROR", "→ start the server, or correct base_url"),
    "is a page": (whole(b"<html>"), "TRANSPORT_ERROR", "not a JSON object → correct base_url or kind"),
    "is another wire": (whole({"object": "list"}), "TRANSPORT_ERROR", "without choices"),
    "has no words": (openai.answer(""), "TRANSPORT_ERROR", "the answer has no words"),
    "is empty": (whole(b""), "TRANSPORT_ERROR", "the answer is empty"),
    "redirects": (
        whole(b"", status=301, headers={"Location": "http://127.0.0.1:1/"}),
        "TRANSPORT_ERROR",
        "redirects with 301; correct base_url",
    ),
    "fails": (openai.error("out of memory", 500), "TRANSPORT_ERROR", "answers 500: out of memory"),
    "is busy": (openai.error("slow down", 429), "TRANSPORT_ERROR", "answers 429: slow down → try again"),
    "has no such model": (openai.error("no model m", 404), "UNSUPPORTED", "answers 404: no model m"),
    "refuses": (openai.error("no top_k here", 400), "UNSUPPORTED", "correct extra_body"),
    "wants a key": (openai.error("who are you", 401), "AUTH_FAIL", "→ set api_key_env"),
    "wants money": (openai.error("no balance", 402), "AUTH_FAIL", "top it up"),
}


@pytest.mark.parametrize(("script", "expected", "words"), TROUBLE.values(), ids=TROUBLE)
def test_without_an_answer_to_the_first_question_no_other_is_asked(
    script: Script, expected: str, words: str, tmp_path: Path, a: Provider
) -> None:
    found = checked(tmp_path, a, script, timeout_s=IN_TIME_S)
    assert found.verdicts == {probe.name: "SKIP" for probe in run.PROBES} | {"chat": expected}
    assert words in found.words("chat")
    assert found.by_check["context"].message == "chat failed"
    assert len(a.requests) == 1
    assert result.exit_code(found.results) == 1


STREAMS: dict[str, tuple[Script, str]] = {
    "hangs": (stream(openai.ROLE, openai.text("1, 2"), HANG), "no whole answer within 1 s"),
    "goes on for ever": (stream(openai.ROLE, Drip(openai.text("1, "))), "no whole answer within 1 s"),
    "floods": (stream(Drip(openai.text("1, " * 20_000), every_s=0)), "continues after 1048576 bytes"),
    "pings for ever": (stream(Drip(b": ping\n\n")), "no whole answer within 1 s"),
    "breaks off": (stream(openai.ROLE, openai.text("1, 2, 3"), CUT), "broke in the middle"),
    "is no stream": (openai.answer("1, 2, 3"), "not a stream: a whole JSON body"),
    "is empty": (stream(), "ended before any content"),
    "is garbage": (stream(b"data: <html>\n\n"), "not a JSON object"),
    "reports an error": (stream(openai.ROLE, openai.error_event("overloaded")), "answers 529: overloaded"),
    "says nothing": (stream(openai.DONE), "ended before any content"),
}


@pytest.mark.parametrize(("script", "words"), STREAMS.values(), ids=STREAMS)
def test_a_stream_that_does_not_end_well_is_told_apart_from_the_rest(
    script: Script, words: str, tmp_path: Path, a: Provider
) -> None:
    def answers(request: Received) -> Script:
        return script if request.json.get("stream") else Model()(request)

    found = checked(tmp_path, a, answers, timeout_s=IN_TIME_S)
    others = {"chat": "OK", "context": "OK", "tools": "OK", "thinking": "SKIP", "leaks": "OK"}
    assert found.verdicts == others | {"streaming": "TRANSPORT_ERROR"}
    assert words in found.words("streaming")


def test_a_stream_without_its_last_blank_line_or_its_end_mark_is_whole(tmp_path: Path, a: Provider) -> None:
    count = openai.text(", ".join(map(str, range(1, 101))))
    for end in (b"data: [DONE]\n", b""):
        script = stream(count, openai.STOP, end) if end else stream(count, openai.STOP)

        def answers(request: Received, script: Script = script) -> Script:
            return script if request.json.get("stream") else Model()(request)

        assert checked(tmp_path, a, answers).verdicts["streaming"] == "OK"


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    port = free_port()
    config = process.config([process.provider("a", f"http://127.0.0.1:{port}/v1")])
    found = Found(process.write_config(tmp_path, config))
    assert found.verdicts["chat"] == "TRANSPORT_ERROR"
    assert f"cannot connect to 127.0.0.1:{port}: Connection refused → start" in found.words("chat")


@pytest.mark.parametrize(
    ("key", "remedy"),
    [(KEY, "correct the key in A_KEY"), ("", "the variable A_KEY is not set: put the key in it")],
)
def test_a_key_that_is_refused_is_not_shown(
    key: str, remedy: str, tmp_path: Path, a: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", key)
    found = checked(tmp_path, a, openai.error(f"wrong key {KEY}", 401), api_key_env="A_KEY")
    assert found.verdicts["chat"] == "AUTH_FAIL"
    assert found.by_check["chat"].remedy == remedy
    assert a.request.headers.get("authorization") == (f"Bearer {key}" if key else None)
    assert (KEY in found.words("chat")) is (not key)


def test_a_limit_for_each_question_can_be_given(tmp_path: Path, a: Provider) -> None:
    a.plays(always=Model(hangs_at="Count"))
    found = Found(write_config(tmp_path, a), timeout_s=IN_TIME_S)
    assert found.by_check["streaming"].message == "no whole answer within 1 s"
    assert found.verdicts["leaks"] == "OK"


def test_all_questions_together_have_a_limit(
    tmp_path: Path, a: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PROVIDER_S_MAX", IN_TIME_S)
    found = checked(tmp_path, a, Model(hangs_at="Count"))
    assert found.verdicts["context"] == "OK"
    assert found.verdicts["streaming"] == "TRANSPORT_ERROR"
    assert found.by_check["streaming"].message == "not over when the 1 s for one provider were"
    for name in ("tools", "thinking", "leaks"):
        assert found.verdicts[name] == "SKIP"
        assert found.by_check[name].message == "the 1 s for one provider are over"
