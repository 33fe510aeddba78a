"""The example configurations are valid, explain themselves, and are listed in the README."""

import re
from pathlib import Path

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.routing.auto_router import Router
from coderouter_proxy.senders.sender import Sender
from support.docs import ROOT
from support.proxy.drive_relay import request_of

EXAMPLES = sorted((ROOT / "deploy" / "examples").glob("*.yaml"))
NAMES = [path.stem for path in EXAMPLES]


def test_there_is_one_for_each_usual_case() -> None:
    assert NAMES == [
        "auto-routing",
        "local-and-free-cloud",
        "local-and-paid-claude",
        "one-local-ollama",
        "raspberry-pi",
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_an_example_loads_and_names_only_what_it_has(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALLOW_PAID", raising=False)
    config = load.load(path).config
    assert list(config.unknown_providers()) == []
    used = {name for profile in config.profiles for name in profile.names}
    assert used == {provider.name for provider in config.providers}
    for provider in config.providers:
        assert provider.paid <= config.allow_paid, "a paid provider that would never be tried confuses"


@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_an_example_says_how_to_start_it_and_has_no_key(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert f"coderouter serve --config {path.name}" in text
    assert not re.search(r"(sk|gsk)[-_][A-Za-z0-9]", text.replace("sk-or-…", "").replace("sk-ant-…", ""))
    named = set(re.findall(r"_env: (\w+)", text))
    for variable in named - {"ANTHROPIC_API_KEY"}:
        assert f"{variable}=" in text, "a newcomer reads where its value goes"


@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_the_readme_shows_every_example(path: Path) -> None:
    readme = (ROOT / "proxy" / "README.md").read_text(encoding="utf-8")
    assert f"(../deploy/examples/{path.name})" in readme


def test_the_raspberry_pi_sends_tools_to_the_cloud() -> None:
    config = load.load(ROOT / "deploy" / "examples" / "raspberry-pi.yaml").config
    tools = [{"type": "function", "function": {"name": "t"}}]
    messages = [{"role": "user", "content": "Hello."}]
    router = Router(config.auto_router)
    asked = request_of("openai", {"messages": messages})
    assert router.resolve(asked, Sender()).profile == "chat"
    with_tools = request_of("openai", {"messages": messages, "tools": tools})
    assert router.resolve(with_tools, Sender()).profile == "cloud"


@pytest.mark.parametrize(
    ("words", "profile"),
    [
        ("Why?\nTraceback (most recent call last):", "coding"),
        ("Boom\n  at run (app.js:12)", "coding"),
        ("Hi", "quick"),
    ],
)
def test_the_auto_routing_example_knows_a_stack_trace(words: str, profile: str) -> None:
    config = load.load(ROOT / "deploy" / "examples" / "auto-routing.yaml").config
    request = request_of("openai", {"messages": [{"role": "user", "content": words}]})
    assert Router(config.auto_router).resolve(request, Sender()).profile == profile
