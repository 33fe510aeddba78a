"""Refusals on the Responses wire: codex sends anything but a 400 again, up to 30 times."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.wires.conftest import Side
from support.proxy import process
from support.proxy.process import Proxy
from support.proxy.upstream import Upstream

Body = dict[str, Any]

INVALID: dict[str, tuple[Body, str, str | None]] = {
    "no input": ({}, '"input" is missing', "input"),
    "an empty input": ({"input": []}, '"input" is empty', "input"),
    "a number": ({"input": 1}, '"input" is neither a string nor a list', "input"),
    "no items": ({"input": ["x"]}, '"input[0]" is not an object', "input[0]"),
    "a stream that is no flag": ({"input": "x", "stream": 1}, '"stream" is a number', "stream"),
    "background": ({"input": "x", "background": True}, '"background" is not supported', "background"),
    "a conversation": ({"input": "x", "conversation": "c"}, '"conversation" is not', "conversation"),
    "a stored prompt": ({"prompt": {"id": "p"}}, '"prompt" is not supported', "prompt"),
    "a stored file": (
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
        "files are not stored",
        "input[0].content[0].file_id",
    ),
    "a stored file in a result": (
        {"input": [{"type": "function_call_output", "output": [{"type": "input_file", "file_id": "f"}]}]},
        "files are not stored",
        "input[0].output[0].file_id",
    ),
    "a compaction of another API": (
        {"input": [{"type": "compaction", "encrypted_content": "x"}]},
        "can only be read by the API that made them",
        "input[0]",
    ),
    "a trigger": ({"input": [{"type": "compaction_trigger"}]}, "compaction is not supported", "input[0]"),
    "a reference to nothing": ({"input": [{"type": "item_reference"}]}, '"input[0].id"', "input[0].id"),
}


@pytest.mark.parametrize("name", INVALID)
@pytest.mark.parametrize("path", ["/v1/responses", "/responses"])
def test_an_invalid_request_gets_an_error_that_names_the_field(path: str, name: str, wires: Proxy) -> None:
    body, words, param = INVALID[name]
    response = wires.post(json.dumps({"model": "m", **body}).encode(), None, path).rest()
    assert response.status == 400
    error = response.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert words in error["message"]
    finished = wires.finished(response.request_id)
    assert (finished["ingress"], finished["outcome"]) == ("responses", "client_error")


def test_a_prompt_that_is_too_long_is_named_as_such(wires: Proxy, side: Side) -> None:
    side.provider.plays(side.says.error("maximum context length is 8192 tokens", 400))
    response = wires.responses(side.header).rest()
    assert (response.status, response.json["error"]["code"]) == (400, "context_length_exceeded")
    assert response.headers["x-should-retry"] == "false"


def test_a_miss_is_counted(wires: Proxy) -> None:
    misses: list[tuple[Body, str, int]] = [
        ({"input": [{"type": "item_reference", "id": "msg_9"}]}, "item", 404),
        ({"previous_response_id": "resp_9"}, "response", 400),
    ]
    for fields, what, status in misses:
        response = wires.responses(**fields).rest()
        assert response.status == status
        missed, finished = wires.story(response.request_id)
        assert (missed["msg"], missed["what"]) == ("state-missed", what)
        assert (finished["status"], finished["outcome"]) == (status, "client_error")


def test_a_body_over_the_limit_is_not_sent_again(wires: Proxy) -> None:
    sent = {"Content-Length": str(41 * 1024 * 1024), "Expect": "100-continue"}
    assert wires.post(b"", sent, "/v1/responses").rest().status == 400


@pytest.fixture(scope="module")
def blocked(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy that may not use its paid provider, and names one that is not configured."""
    url = upstream_server.provider("o").base_url
    providers = [process.provider("paid", url, paid=True)]
    profiles = {"paid": ["paid"], "none": ["gone"]}
    config = process.config(providers, profiles, default_profile="paid", allow_paid=False)
    config["server"] = {"api_keys_env": "CLIENT_KEYS"}
    folder: Path = tmp_path_factory.mktemp("blocked")
    with process.serving(folder, config, env={"CLIENT_KEYS": "good"}) as started:
        yield started


@pytest.mark.parametrize(
    ("profile", "code", "outcome"),
    [("paid", "paid_gate_blocked", "blocked"), ("none", "providers_exhausted", "exhausted")],
)
def test_what_another_try_cannot_change_is_400_although_other_wires_have_another_status(
    profile: str, code: str, outcome: str, blocked: Proxy
) -> None:
    headers = {"Authorization": "Bearer good", "X-CodeRouter-Profile": profile}
    for stream in (False, True):
        response = blocked.responses(headers, stream=stream).rest()
        assert (response.status, response.json["error"]["code"]) == (400, code)
        assert response.json["error"]["type"] == "invalid_request_error"
        finished = blocked.finished(response.request_id)
        assert (finished["status"], finished["outcome"]) == (400, outcome)
        assert blocked.chat(headers, stream=stream).rest().status in (502, 503)


def test_a_wrong_key_of_the_client_is_401_as_its_sdk_expects(blocked: Proxy) -> None:
    assert blocked.responses({"Authorization": "Bearer bad"}).rest().status == 401
