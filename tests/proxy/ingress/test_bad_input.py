import json
import socket
from pathlib import Path

import pytest

from support.proxy import process
from support.proxy.process import Proxy, failed_start

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is not JSON"),
        (b"Hello", "the body is not JSON"),
        (b'{"messages": [', "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b'{"messages": "\\ud800"}', "the body is not JSON"),
        (b"[]", "the body is a list; send a JSON object"),
        (b"null", "the body is null; send a JSON object"),
        (b"{}", '"messages" is missing; send e.g. [{"role": "user"'),
        (b'{"messages": "Hi"}', '"messages" is not a list of objects'),
        (b'{"messages": ["Hi"]}', '"messages" is not a list of objects'),
        (b'{"messages": []}', '"messages" is empty'),
        (b'{"messages": [{}], "stream": "yes"}', '"stream" is a string; send true or false'),
        (b'{"messages": [{"content": ' + b"[" * 600 + b"]" * 600 + b"}]}", "the body cannot be sent on"),
        (b'{"messages": [{}], "profile": "none"}', "\"profile\" of the body: there is no profile 'none'"),
        (b'{"messages": [{}], "profile": ["one"]}', "there is no profile ['one']"),
        (b'{"messages": [{}], "profile": "auto"}', "there is no profile"),
    ],
)
def test_a_bad_body_gets_a_400_that_says_what_is_wrong(body: bytes, words: str, served: Proxy) -> None:
    response = served.post(body).rest()

    assert response.status == 400
    assert set(response.json) == {"error"}
    error = response.json["error"]
    assert words in error["message"]
    assert error["type"] == "invalid_request_error"
    assert set(error) == {"message", "type", "param", "code"}
    finished = served.finished(response.request_id)
    assert (finished["outcome"], finished["status"]) == ("client_error", 400)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"X-CodeRouter-Profile": "none"}, "X-CodeRouter-Profile: there is no profile 'none'"),
        ({"X-CodeRouter-Mode": "none"}, "X-CodeRouter-Mode: there is no mode 'none'; there are: fast, heavy"),
    ],
)
def test_an_unknown_profile_or_mode_in_a_header_gets_a_400_with_the_known_ones(
    headers: dict[str, str], words: str, served: Proxy
) -> None:
    response = served.chat(headers).rest()
    assert response.status == 400
    assert words in response.json["error"]["message"]


def test_an_unknown_profile_gets_a_400_with_the_known_ones(served: Proxy) -> None:
    response = served.chat(profile="none").rest()
    assert response.json["error"]["message"].endswith(
        "there are: default, one, both, three, paid-only, paid-last, ghost-first, ghosts, lonely, dead, full, "
        "hasty, hasty-profile, quiet, brief, styled, restyled, unstyled, custom, echo"
    )
    assert (response.json["error"]["code"], response.json["error"]["param"]) == ("unknown_profile", "profile")


def test_a_body_over_the_limit_gets_a_413_before_it_is_read(served: Proxy) -> None:
    response = served.post(b"", {"Content-Length": str(MIB + 1), "Expect": "100-continue"}).rest()

    assert response.status == 413
    assert response.json["error"]["message"] == "the body is larger than 1 MiB; send a smaller one"
    assert response.json["error"]["type"] == "request_too_large"
    assert response.headers["connection"] == "close"
    assert served.finished(response.request_id)["outcome"] == "client_error"


def test_a_client_that_sends_a_body_over_the_limit_anyway_reads_the_413(served: Proxy) -> None:
    assert served.post(b"x" * (20 * MIB)).rest().status == 413


def test_a_body_without_a_length_gets_a_413_once_it_is_over_the_limit(served: Proxy) -> None:
    response = served.post(b"x" * MIB for _ in range(20)).rest()
    assert response.status == 413
    assert served.finished(response.request_id)["outcome"] == "client_error"


def test_a_body_at_the_limit_is_read(served: Proxy) -> None:
    start, end = b'{"profile": "echo", "messages": [{"role": "user", "content": "', b'"}]}'
    body = start + b"x" * (MIB - len(start) - len(end)) + end
    assert served.post(body).rest().status == 200


@pytest.mark.parametrize("length", ["ten", "-1", "1_0", "+5", "", "5, 6", "99999999999999999999999999"])
def test_a_malformed_content_length_gets_a_4xx_and_affects_no_other_request(
    length: str, served: Proxy
) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %b\r\n\r\n{}" % length.encode()
        )
        status = raw.makefile("rb").readline()
    assert status.split()[1] in (b"400", b"413")
    assert served.get("/healthz").status == 200


PART = {"type": 5, "text": "Hi."}
TOOL_RESULT = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "Hi."}, PART]}


@pytest.mark.parametrize("kind", [5, None, True, ["text"], {"text": 1}])
@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("/v1/chat/completions", "messages[1].content[1].type"),
        ("/v1/messages", "messages[1].content[1].type"),
        ("/v1/messages/count_tokens", "messages[1].content[1].type"),
        ("/v1/responses", "input[1].content[1].type"),
        ("/v1/responses/input_tokens", "input[1].content[1].type"),
    ],
)
def test_a_part_whose_type_is_not_a_string_gets_a_400(
    kind: object, path: str, at: str, served: Proxy
) -> None:
    parts = [{"type": "input_text", "text": "Hi."}, {"type": kind, "text": "Hi."}]
    turns = [{"role": "user", "content": "Hi."}, {"role": "user", "content": parts}]
    body = {"model": "m", "max_tokens": 9, "messages": turns, "input": turns, "profile": "echo"}
    response = served.post(json.dumps(body).encode(), path=path).rest()
    assert response.status == 400
    assert response.json["error"]["message"].startswith(f'"{at}" is ')


def test_a_part_in_the_result_of_a_tool_has_a_type_too(served: Proxy) -> None:
    response = served.messages(messages=[{"role": "user", "content": [TOOL_RESULT]}]).rest()
    assert response.status == 400
    assert response.json["error"]["message"].startswith(
        '"messages[0].content[0].content[1].type" is a number'
    )


def test_parts_without_a_type_are_left_to_the_provider(served: Proxy) -> None:
    parts = [{"text": "Hi."}, "Hi.", {"type": "text", "text": "hello there"}]
    response = served.chat(messages=[{"role": "user", "content": parts}], profile="echo").rest()
    assert response.status == 200


def test_an_unknown_path_or_method_gets_an_error_in_the_openai_shape(served: Proxy) -> None:
    missing = served.get("/v2/nothing")
    assert (missing.status, missing.json["error"]["type"]) == (404, "invalid_request_error")
    assert missing.json["error"]["message"] == "GET /v2/nothing: not found"

    wrong = served.get("/v1/chat/completions")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
    assert wrong.json["error"]["type"] == "invalid_request_error"


BAD_CONFIG = """\
default_profile: coding
providers:
  - name: local
    base_url: localhost:11434
    model: m
    paid: perhaps
  - name: local
    kind: ollama
    base_url: http://127.0.0.1:1/v1
    model: m
profiles:
  - name: default
    providers: []
"""


def test_an_invalid_providers_yaml_fails_the_start_with_all_its_errors(tmp_path: Path) -> None:
    path = process.write_config(tmp_path, BAD_CONFIG)

    output = failed_start(tmp_path)

    assert output.replace(f"coderouter: {path.name}", "").splitlines() == [
        ":1: default_profile: there is no profile 'coding'; known profiles: default",
        ":4: providers[0].base_url: 'localhost:11434' is not an http(s) URL; write e.g. http://127.0.0.1:11434/v1",
        ":6: providers[0].paid: is 'perhaps': should be a valid boolean, unable to interpret input",
        ":7: providers[1].name: 'local' is already used by an earlier entry; names must be unique",
        ":8: providers[1].kind: is 'ollama'; write 'openai_compat', 'anthropic', 'openai_responses' or 'echo'",
        ":13: profiles[0].providers: is []: should not be empty",
    ]


def test_a_port_in_use_fails_the_start_with_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        output = failed_start(tmp_path, "--port", str(port))
    assert output == (
        f"coderouter: port {port} on 127.0.0.1 is in use by another program; "
        "stop it, or choose another with --port (CODEROUTER_PORT) or --host\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "env", "words"),
    [
        (["--config", "none.yaml"], {}, "none.yaml: there is no such file"),
        ([], {"CODEROUTER_CONFIG": "none.yaml"}, "none.yaml: there is no such file"),
        (["--mode", "none"], {}, "there is no mode or profile 'none'; there are default"),
        ([], {"CODEROUTER_MODE": "none"}, "there is no mode or profile 'none'; there are default"),
        (["--env-file", "none.env"], {}, "none.env: cannot be read"),
        ([], {"ALLOW_PAID": "perhaps"}, "ALLOW_PAID='perhaps' in the environment is neither true nor false"),
        (["--host", "host.invalid", "--insecure"], {}, "cannot listen on host.invalid"),
        (["--host", "0.0.0.0"], {}, "--host 0.0.0.0 lets others use this proxy"),
    ],
)
def test_a_failed_start_says_why_in_one_line(
    options: list[str], env: dict[str, str], words: str, tmp_path: Path
) -> None:
    [line] = failed_start(tmp_path, *options, **env).splitlines()
    assert line.startswith("coderouter: ")
    assert words in line


def test_an_error_body_is_json_whatever_it_quotes(served: Proxy) -> None:
    response = served.post(json.dumps({"messages": [{}], "profile": '"\n\u2028<é>'}).encode()).rest()
    assert '"\\n\\u2028<é>' in response.json["error"]["message"]
