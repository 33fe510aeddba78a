"""Rules choose the profile of a request; the first that matches decides, and none of them can stall the proxy."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from coderouter_proxy.config.auto_rules import AutoRouter, Match
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import seen
from coderouter_proxy.routing.auto_router import MATCHERS, Resolved, Router
from coderouter_proxy.senders.sender import Sender
from proxy.conftest import serving_soundly
from support.events import Event, read
from support.processes import eventually
from support.proxy import process
from support.proxy.drive_relay import request_of
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


def resolved(rules: Router, body: dict[str, Any], sender: Sender | None = None) -> Resolved:
    request = ClientRequest(request_id="r", ingress="anthropic", body=body, raw=b"", headers={}, stream=False)
    return rules.resolve(request, sender or Sender())


MATCHES: list[tuple[dict[str, object], dict[str, Any], bool]] = [
    ({"has_image": True}, body_of([text("What is it?"), OPENAI_IMAGE]), True),
    ({"has_image": True}, body_of([ANTHROPIC_IMAGE]), True),
    ({"has_image": True}, body_of([{"type": "input_image"}]), True),
    ({"has_image": True}, body_of([OPENAI_IMAGE], "And now?"), False),
    ({"has_image": True}, body_of("image_url"), False),
    ({"has_document": True}, body_of([text("What?"), {"type": "document"}]), True),
    ({"has_document": True}, body_of([{"type": "file"}]), True),
    ({"has_document": True}, body_of([{"type": "document"}], "And now?"), False),
    ({"has_document": True}, body_of([OPENAI_IMAGE]), False),
    ({"has_tools": True}, body_of("Hi", tools=[{"name": "t"}]), True),
    ({"has_tools": True}, body_of("Hi", functions=[{"name": "t"}]), True),
    ({"has_tools": True}, body_of("Hi", tools=[]), False),
    ({"code_fence_ratio_min": 0.5}, body_of(FENCED), True),
    ({"code_fence_ratio_min": 0.5}, body_of([text(FENCED)]), True),
    ({"code_fence_ratio_min": 0.5}, body_of("See:\n```\nnot closed yet, for it was cut"), True),
    ({"code_fence_ratio_min": 0.5}, body_of(FENCED + " and prose" * 20), False),
    ({"code_fence_ratio_min": 0.5}, body_of(FENCED, "Thanks."), False),
    ({"code_fence_ratio_min": 0.5}, body_of(""), False),
    ({"has_web_search": True}, body_of("Hi", tools=[{"type": "web_search_20250305"}]), True),
    ({"has_web_search": True}, body_of("Hi", tools=[{"name": "t"}, {"type": "web_search"}]), True),
    ({"has_web_search": True}, body_of("Hi", web_search_options={}), True),
    ({"has_web_search": True}, body_of("Hi", tools=[{"name": "web_search"}, 5, {"type": None}]), False),
    ({"has_web_search": True}, body_of("Hi", tools="web_search"), False),
    ({"has_thinking": True}, body_of("Hi", thinking={"type": "enabled", "budget_tokens": 9}), True),
    ({"has_thinking": True}, body_of("Hi", thinking={"type": "disabled"}), False),
    ({"has_thinking": True}, body_of("Hi", reasoning_effort="high"), True),
    ({"has_thinking": True}, body_of("Hi", reasoning_effort="medium"), False),
    ({"has_thinking": True}, body_of("Hi", reasoning={"effort": "xhigh"}), True),
    ({"has_thinking": True}, body_of("Hi", reasoning={"effort": None}), False),
    ({"has_thinking": True}, body_of("Hi", thinking={"type": "adaptive"}), True),
    (
        {"has_thinking": True},
        body_of("Hi", thinking={"type": "adaptive"}, output_config={"effort": "low"}),
        False,
    ),
    ({"has_thinking": True}, body_of("Hi"), False),
    ({"cjk_ratio_min": 0.5}, body_of("これは何ですか? (it)"), True),
    ({"cjk_ratio_min": 0.6}, body_of("설명해 주세요, please"), False),
    ({"cjk_ratio_min": 0.4}, body_of("설명해 주세요, please"), True),
    ({"cjk_ratio_min": 1}, body_of("𠮷野家、1,234!"), True),
    ({"cjk_ratio_min": 0.1}, body_of("naïve Ω"), False),
    ({"cjk_ratio_min": 0.1}, body_of("これは", "And now?"), False),
    ({"cjk_ratio_min": 0.1}, body_of("123 …"), False),
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
    found = resolved(router(rule("r", match)), body)
    assert (found.rule_id, found.profile) == (("r", "r") if matches else (None, "other"))


SUBAGENT = Sender("claude-code", "subagent", "Explore")


@pytest.mark.parametrize(
    ("match", "sender", "matches"),
    [
        ({"agent": "claude-code"}, SUBAGENT, True),
        ({"agent": "codex"}, SUBAGENT, False),
        ({"agent": "other"}, Sender(), True),
        ({"request_class": "subagent"}, SUBAGENT, True),
        ({"request_class": "main"}, SUBAGENT, False),
        ({"request_class": "main"}, Sender(), False),
        ({"agent_type": "explore"}, SUBAGENT, True),
        ({"agent_type": "Plan"}, SUBAGENT, False),
        ({"compaction": True}, Sender("codex", "compaction"), True),
        ({"compaction": True}, SUBAGENT, False),
    ],
)
def test_a_matcher_checks_who_sends_the_request(
    match: dict[str, object], sender: Sender, matches: bool
) -> None:
    assert resolved(router(rule("r", match)), body_of("Hi"), sender).rule_id == ("r" if matches else None)


def test_all_matchers_of_a_rule_have_to_match() -> None:
    rules = router(rule("both", {"has_tools": True, "request_class": "subagent"}))
    tools = body_of("Hi", tools=[{"name": "t"}])
    assert resolved(rules, tools, SUBAGENT).rule_id == "both"
    assert resolved(rules, body_of("Hi"), SUBAGENT).rule_id is None
    assert resolved(rules, tools, Sender("claude-code", "main")).rule_id is None


def test_what_is_asked_of_a_responses_request_is_found_in_it() -> None:
    rules = router(
        rule("search", {"has_web_search": True}),
        rule("think", {"has_thinking": True}),
        rule("file", {"has_document": True}),
    )
    file = [{"role": "user", "content": [{"type": "input_file", "file_data": "data:,"}]}]
    for fields, expected in (
        ({"input": "Hi", "tools": [{"type": "web_search"}]}, "search"),
        ({"input": "Hi", "reasoning": {"effort": "high"}}, "think"),
        ({"input": file}, "file"),
        ({"input": "Hi"}, None),
    ):
        request = request_of("responses", {"model": "m", **fields})
        assert rules.resolve(request, Sender()).rule_id == expected


def test_signals_have_no_words_of_the_client() -> None:
    rules = router(rule("r", {"agent_type": "Explore", "agent": "codex"}))
    sender = Sender("codex", "subagent", "secret")
    assert resolved(rules, body_of("Hi"), sender).signals == {"agent": "codex"}


def test_every_matcher_has_its_condition() -> None:
    assert MATCHERS.keys() == Match.model_fields.keys()


@pytest.mark.parametrize("content", [None, 5, [5, None], [{"type": "text", "text": 5}], {"type": "text"}])
def test_malformed_content_matches_nothing(content: object) -> None:
    everything = [match for match, _, _ in MATCHES if "model_pattern" not in match]
    rules = [rule(str(index), match) for index, match in enumerate(everything)]
    assert resolved(router(*rules), body_of(content)).rule_id is None


def test_the_first_rule_that_matches_decides_and_later_ones_are_not_checked() -> None:
    rules = [
        rule("tools", {"has_tools": True}),
        rule("code", {"code_fence_ratio_min": 0.3}),
        rule("code too", {"content_contains": "print"}),
        rule("long", {"content_token_count_min": 1}),
    ]
    found = resolved(router(*rules), body_of(FENCED))
    assert (found.rule_id, found.profile) == ("code", "code")
    assert found.signals == {"has_tools": False, "code_fence_ratio": 0.894}


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
    found = resolved(Router(configured), body)
    assert (found.rule_id, found.profile) == (rule_id, profile)


def test_a_disabled_router_checks_no_rule() -> None:
    found = resolved(router(rule("all", {"content_regex": ""}), disabled=True), body_of(FENCED))
    assert (found.rule_id, found.profile, found.signals) == (None, "other", {})


@pytest.mark.parametrize(
    "match", [{"content_regex": SLOW}, {"content_regex": "(a|aa)+$"}, {"model_pattern": SLOW}]
)
def test_a_pattern_that_backtracks_forever_does_not_match(match: dict[str, object]) -> None:
    found = resolved(router(rule("slow", match)), body_of(BACKTRACKS, model=BACKTRACKS))
    assert (found.rule_id, found.signals) == (None, {"regex_timed_out": True})


def test_a_pattern_only_sees_the_beginning_of_a_huge_message() -> None:
    huge = "x" * seen.TEXT_CHARS_MAX + "end"
    assert resolved(router(rule("end", {"content_regex": "end"})), body_of(huge)).rule_id is None


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
