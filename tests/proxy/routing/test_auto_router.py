"""Rules choose the profile of a request; the first that matches decides, and none of them can stall the proxy."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from coderouter_proxy.config.schema import AutoRouter
from coderouter_proxy.routing import auto_router
from coderouter_proxy.routing.auto_router import Router
from proxy.conftest import serving_soundly
from support.events import Event, read
from support.processes import eventually
from support.proxy import process
from support.proxy.process import Proxy

FENCED = "Why?\n```python\nprint('a long line of code')\n```"
SLOW = "(a+)+$"
BACKTRACKS = "a" * 6000 + "!"
OPENAI_IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}
ANTHROPIC_IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}}


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def body_of(*contents: object, **more: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content} for content in contents], **more}


def rule(name: str, match: dict[str, object], profile: str | None = None) -> dict[str, object]:
    return {"id": name, "profile": profile or name, "match": match}


def router(*rules: dict[str, object], **more: object) -> Router:
    return Router(AutoRouter.model_validate({"rules": rules, "default_rule_profile": "other", **more}))


MATCHES: list[tuple[dict[str, object], dict[str, Any], bool]] = [
    ({"has_image": True}, body_of([text("What is it?"), OPENAI_IMAGE]), True),
    ({"has_image": True}, body_of([ANTHROPIC_IMAGE]), True),
    ({"has_image": True}, body_of([{"type": "input_image"}]), True),
    ({"has_image": True}, body_of([OPENAI_IMAGE], "And now?"), False),
    ({"has_image": True}, body_of("image_url"), False),
    ({"has_tools": True}, body_of("Hi", tools=[{"name": "t"}]), True),
    ({"has_tools": True}, body_of("Hi", functions=[{"name": "t"}]), True),
    ({"has_tools": True}, body_of("Hi", tools=[]), False),
    ({"code_fence_ratio_min": 0.5}, body_of(FENCED), True),
    ({"code_fence_ratio_min": 0.5}, body_of([text(FENCED)]), True),
    ({"code_fence_ratio_min": 0.5}, body_of("See:\n```\nnot closed yet, for it was cut"), True),
    ({"code_fence_ratio_min": 0.5}, body_of(FENCED + " and prose" * 20), False),
    ({"code_fence_ratio_min": 0.5}, body_of(FENCED, "Thanks."), False),
    ({"code_fence_ratio_min": 0.5}, body_of(""), False),
    ({"content_contains": "essay"}, body_of("Write an essay."), True),
    ({"content_contains": "essay"}, body_of("Write an Essay."), False),
    ({"content_contains": "essay"}, body_of("Write an essay.", "Shorter."), False),
    ({"content_regex": r"(?i)\bNOVEL\b"}, body_of([text("A"), text("novel")]), True),
    ({"content_regex": "^novel"}, body_of("A novel"), False),
    ({"content_token_count_min": 50}, body_of("word " * 60), True),
    ({"content_token_count_min": 50}, body_of("word " * 30, "word " * 30), True),
    ({"content_token_count_min": 50}, body_of("Hi", system="word " * 60), True),
    ({"content_token_count_min": 50}, body_of("Hi"), False),
    ({"model_pattern": "claude-.*haiku.*"}, body_of("Hi", model="claude-haiku-4-5"), True),
    ({"model_pattern": "haiku"}, body_of("Hi", model="claude-haiku-4-5"), False),
    ({"model_pattern": ".*"}, body_of("Hi"), False),
    ({"model_pattern": ".*"}, body_of("Hi", model=5), False),
]


@pytest.mark.parametrize(("match", "body", "matches"), MATCHES)
def test_a_matcher_checks_the_latest_user_message_or_the_request(
    match: dict[str, object], body: dict[str, Any], matches: bool
) -> None:
    resolved = router(rule("r", match)).resolve(body)
    assert (resolved.rule_id, resolved.profile) == (("r", "r") if matches else (None, "other"))


@pytest.mark.parametrize("content", [None, 5, [5, None], [{"type": "text", "text": 5}], {"type": "text"}])
def test_malformed_content_matches_nothing(content: object) -> None:
    everything = [match for match, _, _ in MATCHES if "model_pattern" not in match]
    rules = [rule(str(index), match) for index, match in enumerate(everything)]
    assert router(*rules).resolve(body_of(content)).rule_id is None


def test_the_first_rule_that_matches_decides_and_later_ones_are_not_checked() -> None:
    rules = [
        rule("tools", {"has_tools": True}),
        rule("code", {"code_fence_ratio_min": 0.3}),
        rule("code too", {"content_contains": "print"}),
        rule("long", {"content_token_count_min": 1}),
    ]
    resolved = router(*rules).resolve(body_of(FENCED))
    assert (resolved.rule_id, resolved.profile) == ("code", "code")
    assert resolved.signals == {"has_tools": False, "code_fence_ratio": 0.894}


@pytest.mark.parametrize("configured", [None, AutoRouter(), AutoRouter(default_rule_profile="writing")])
@pytest.mark.parametrize(
    ("body", "rule_id", "profile"),
    [
        (body_of([OPENAI_IMAGE, text(FENCED)]), "builtin:image-attachment", "multi"),
        (body_of(FENCED), "builtin:code-fence-dense", "coding"),
        (body_of("Write an essay."), None, "writing"),
    ],
)
def test_without_rules_the_built_in_ones_apply(
    configured: AutoRouter | None, body: dict[str, Any], rule_id: str | None, profile: str
) -> None:
    resolved = Router(configured).resolve(body)
    assert (resolved.rule_id, resolved.profile) == (rule_id, profile)


def test_a_disabled_router_checks_no_rule() -> None:
    resolved = router(rule("all", {"content_regex": ""}), disabled=True).resolve(body_of(FENCED))
    assert (resolved.rule_id, resolved.profile, resolved.signals) == (None, "other", {})


@pytest.mark.parametrize(
    "match", [{"content_regex": SLOW}, {"content_regex": "(a|aa)+$"}, {"model_pattern": SLOW}]
)
def test_a_pattern_that_backtracks_forever_does_not_match(match: dict[str, object]) -> None:
    resolved = router(rule("slow", match)).resolve(body_of(BACKTRACKS, model=BACKTRACKS))
    assert (resolved.rule_id, resolved.signals) == (None, {"regex_timed_out": True})


def test_a_pattern_only_sees_the_beginning_of_a_huge_message() -> None:
    huge = "x" * auto_router.TEXT_CHARS_MAX + "end"
    assert router(rule("end", {"content_regex": "end"})).resolve(body_of(huge)).rule_id is None


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    names = ["multi", "coding", "writing", "long"]
    rules = [
        rule("images", {"has_image": True}, "multi"),
        rule("slow", {"content_regex": SLOW}, "multi"),
        rule("code", {"code_fence_ratio_min": 0.3}, "coding"),
    ]
    config = process.config(
        [{"name": "echo", "kind": "echo"}],
        {name: ["echo"] for name in names},
        default_profile="auto",
        mode_aliases={"deep": "long", "any": "auto"},
        auto_router={"rules": rules, "default_rule_profile": "writing"},
    )
    with serving_soundly(tmp_path_factory.mktemp("auto"), config) as started:
        yield started


def routed(story: list[Event]) -> tuple[str, dict[str, Any]]:
    """Return the profile, and the fields of the auto router's event if there is one."""
    [finished] = [event for event in story if event["msg"] == "request-finished"]
    decisions = [event for event in story if event["msg"].startswith("auto-router-")]
    fields = ("msg", "rule_id", "resolved_profile", "signals")
    return finished["profile"], {
        name: decisions[0][name] for name in fields if name in decisions[0]
    } if decisions else {}


@pytest.mark.parametrize("send", [Proxy.chat, Proxy.messages], ids=["openai", "anthropic"])
def test_the_decision_is_in_the_events_with_its_signals_and_without_content(
    send: Any, running: Proxy
) -> None:
    by_rule = send(running, messages=body_of(FENCED)["messages"]).rest()
    assert by_rule.status == 200
    expected = {"msg": "auto-router-resolved", "rule_id": "code", "resolved_profile": "coding"}
    signals = {"has_image": False, "code_fence_ratio": 0.894}
    assert routed(running.story(by_rule.request_id)) == ("coding", {**expected, "signals": signals})

    by_none = send(running).rest()
    expected = {"msg": "auto-router-fallthrough", "resolved_profile": "writing"}
    signals = {"has_image": False, "code_fence_ratio": 0.0}
    assert routed(running.story(by_none.request_id)) == ("writing", {**expected, "signals": signals})

    written = running.events_path.read_text()
    assert "Say hello" not in written
    assert "print" not in written


@pytest.mark.parametrize(
    ("body", "headers", "profile"),
    [
        ({"profile": "long"}, {"X-CodeRouter-Profile": "multi", "X-CodeRouter-Mode": "any"}, "long"),
        ({}, {"X-CodeRouter-Profile": "multi", "X-CodeRouter-Mode": "deep"}, "multi"),
        ({}, {"X-CodeRouter-Mode": "deep"}, "long"),
    ],
)
def test_a_named_profile_overrides_the_rules(
    body: dict[str, str], headers: dict[str, str], profile: str, running: Proxy
) -> None:
    response = running.chat(headers, messages=body_of(FENCED)["messages"], **body).rest()
    assert routed(running.story(response.request_id)) == (profile, {})


@pytest.mark.parametrize(("body", "mode"), [({"profile": "auto"}, "deep"), ({}, "any")])
def test_a_request_may_name_auto(body: dict[str, str], mode: str, running: Proxy) -> None:
    response = running.chat({"X-CodeRouter-Mode": mode}, messages=body_of(FENCED)["messages"], **body).rest()
    assert routed(running.story(response.request_id))[0] == "coding"


def test_other_requests_are_answered_while_a_pattern_backtracks(running: Proxy) -> None:
    seen = len(read(running.events_path, "request-finished"))
    slow = [running.chat(messages=body_of(BACKTRACKS)["messages"]) for _ in range(4)]
    answered = threading.Event()

    def ask() -> None:
        assert running.chat({"X-CodeRouter-Mode": "deep"}).rest().status == 200
        answered.set()

    threading.Thread(target=ask).start()
    assert answered.wait(30), "a rule that backtracks stalls the proxy"
    stories = [running.story(each.rest().request_id) for each in slow]
    assert [routed(story)[1]["signals"]["regex_timed_out"] for story in stories] == [True] * 4
    eventually(lambda: len(read(running.events_path, "request-finished")) == seen + 5)
