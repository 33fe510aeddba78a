"""`coderouter explain-route` says which providers would get a request and why, as the proxy then does it."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.proxy import process
from support.run_command import Ended, coderouter

pytestmark = pytest.mark.slow

CONFIG = process.config(
    [
        process.provider("small", "http://127.0.0.1:1/v1", model="tiny", capabilities={"tools": False}),
        process.provider("big", "http://127.0.0.1:1/v1", api_key_env="NO_KEY"),
        process.provider("claude", "https://api.anthropic.com", kind="anthropic", paid=True),
        {"name": "echo", "kind": "echo"},
    ],
    {"coding": ["small", "big", "claude", "ghost"], "background": ["echo"]},
    default_profile="auto",
    mode_aliases={"fast": "background"},
    model_map={"claude-haiku*": "background"},
    auto_router={
        "default_rule_profile": "coding",
        "rules": [{"id": "subs", "profile": "background", "match": {"request_class": "subagent"}}],
    },
)
TOOLS = [{"type": "function", "function": {"name": "t"}}]
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello."}]}
CAPTURED = """\
POST /v1/messages?beta=true HTTP/1.1
User-Agent: claude-cli/2.1.332 (external, cli)
X-Claude-Code-Request-Class: subagent
X-Claude-Code-Agent-Type: Explore
"""


def explained(folder: Path, *arguments: str, given: str | None = None, **env: str) -> Ended:
    process.write_config(folder, CONFIG)
    files = []
    if given is not None:
        (folder / "request").write_bytes(given.encode())
        files.append("request")
    return coderouter(folder, "explain-route", *files, *arguments, env=env)


def as_json(folder: Path, *arguments: str, given: str | None = None, **env: str) -> Any:
    ended = explained(folder, "--json", *arguments, given=given, **env)
    assert ended.code == 0, ended.stderr
    return json.loads(ended.stdout)


def order(shown: Any) -> list[tuple[str, bool, list[str]]]:
    return [(each["provider"], each["tried"], each["remarks"]) for each in shown["providers"]]


def test_the_order_of_providers_has_its_reasons(tmp_path: Path) -> None:
    shown = as_json(tmp_path, given=json.dumps({**BODY, "tools": TOOLS}))
    assert (shown["profile"], shown["chosen_by"]) == ("coding", "default_profile")
    assert order(shown) == [
        ("big", True, ["without a key: NO_KEY is not set"]),
        ("claude", False, ["skipped: paid, and allow_paid is false"]),
        ("ghost", False, ["skipped: not configured"]),
        ("small", True, ["later: its model cannot use tools"]),
    ]
    assert [name for name, _, _ in order(as_json(tmp_path, NO_KEY="k"))] == [
        "small",
        "big",
        "claude",
        "ghost",
    ]


def test_what_happens_before_the_next_provider_is_tried_is_shown(tmp_path: Path) -> None:
    fields = {
        "max_in_flight": 2,
        "queue_s": 5,
        "retries": 1,
        "api_key_env": ["ONE"],
        "api_key_file": "/no/key",
    }
    text = process.config([process.provider("gpu", "http://127.0.0.1:1/v1", **fields)])
    process.write_config(tmp_path, text)
    ended = coderouter(tmp_path, "explain-route", "--json", env={"ONE": "a-key"})
    [(_, tried, remarks)] = order(json.loads(ended.stdout))
    assert tried
    assert remarks == [
        "gets 2 at once; others wait up to 5 s",
        "2 keys",
        "tried up to 2 times if it drops the connection or loads its model",
    ]


def test_a_request_as_it_was_captured_is_read(tmp_path: Path) -> None:
    for newline in ("\n", "\r\n"):
        text = (CAPTURED + "\n").replace("\n", newline) + json.dumps({**BODY, "max_tokens": 9})
        shown = as_json(tmp_path, given=text)
        assert (shown["wire"], shown["agent"]) == ("anthropic", "claude-code")
        assert (shown["request_class"], shown["agent_type"]) == ("subagent", "Explore")
        assert (shown["profile"], shown["auto_router"]["rule_id"]) == ("background", "subs")


@pytest.mark.parametrize(
    ("arguments", "profile", "by", "detail"),
    [
        (["--model", "claude-haiku-4-5"], "background", "model_map", "claude-haiku*"),
        (
            ["--model", "claude-coding"],
            "coding",
            "a model that names a profile or a provider",
            "claude-coding",
        ),
        (["--model", "small"], "small", "a model that names a profile or a provider", "small"),
        (["--header", "X-CodeRouter-Mode: fast"], "background", "X-CodeRouter-Mode", "fast"),
        (["--header", "x-coderouter-profile:background"], "background", "X-CodeRouter-Profile", "background"),
        (["--mode", "fast"], "background", "default_profile", "background"),
    ],
)
def test_options_make_a_request(
    arguments: list[str], profile: str, by: str, detail: str, tmp_path: Path
) -> None:
    shown = as_json(tmp_path, *arguments)
    assert (shown["profile"], shown["chosen_by"], shown["detail"]) == (profile, by, detail)


def test_the_wire_is_seen_in_the_body(tmp_path: Path) -> None:
    assert as_json(tmp_path, given='{"input": "Hi"}')["wire"] == "responses"
    assert as_json(tmp_path, "--wire", "responses")["wire"] == "responses"
    assert as_json(tmp_path, "--header", "anthropic-version: 2023-06-01")["wire"] == "anthropic"
    assert as_json(tmp_path)["wire"] == "openai"


def test_the_text_lists_what_says_nothing_and_numbers_the_providers(tmp_path: Path) -> None:
    lines = explained(tmp_path, "--model", "claude-haiku-4-5").stdout.splitlines()
    assert lines == [
        "wire             openai",
        "agent            other",
        "request class    not given",
        "session          by the system text and the first user text",
        "requested model  claude-haiku-4-5",
        "profile          background",
        'not by           "profile" of the body',
        "not by           X-CodeRouter-Profile",
        "not by           X-CodeRouter-Mode",
        "not by           a model that names a profile or a provider",
        "chosen by        model_map: claude-haiku*",
        "",
        "1. echo (echo)",
    ]


def test_equals_sessions_and_slots_are_explained(tmp_path: Path) -> None:
    gpus = [
        process.provider(name, "http://127.0.0.1:1/v1", slot_affinity_slots=1) for name in ("gpu1", "gpu2")
    ]
    config = process.config([*gpus, process.provider("big", "http://127.0.0.1:1/v1")])
    config["profiles"] = [{"name": "default", "providers": [["gpu1", "gpu2"], "big"]}]
    process.write_config(tmp_path, config)
    ended = coderouter(tmp_path, "explain-route", "--header", "X-Session-Id: s")
    assert ended.stdout.splitlines()[3] == (
        "session          by x-session-id; stays for 10 minutes with a provider that it had to move to"
    )
    assert ended.stdout.splitlines()[-5:] == [
        "1. gpu1 (gpu1-model); equal to gpu2: the least busy is first; id_slot 0 of 1",
        "2. gpu2 (gpu2-model); equal to gpu1: the least busy is first; id_slot 0 of 1",
        "3. big (big-model)",
        "",
        "Which provider a conversation stays with is known only to the running proxy: this is the order for a new one.",
    ]


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        (["--header", "X-CodeRouter-Profile: none"], None, "there is no profile 'none'"),
        ([], "{", "the body is not JSON"),
        ([], '{"model": "m"}', '"messages" is missing'),
    ],
)
def test_what_the_proxy_would_refuse_is_reported(
    arguments: list[str], given: str | None, words: str, tmp_path: Path
) -> None:
    ended = explained(tmp_path, *arguments, given=given)
    assert ended.code == 1
    assert ended.stdout.startswith("refused with 400: ")
    assert words in ended.stdout
    refused = json.loads(explained(tmp_path, "--json", *arguments, given=given).stdout)["refused"]
    assert refused["status"] == 400


def test_wrong_headers_and_configurations_are_reported(tmp_path: Path) -> None:
    assert "is not NAME: VALUE" in explained(tmp_path, "--header", "nonsense").stderr
    (tmp_path / "providers.yaml").write_text("providers: []\n")
    ended = coderouter(tmp_path, "explain-route")
    assert (ended.code, "providers" in ended.stderr) == (3, True)
