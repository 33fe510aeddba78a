"""Choose a profile by what a request is about, when none is named and `default_profile` is `auto`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coderouter_events.events import AutoRouterFallthrough, AutoRouterResolved, Event
from coderouter_proxy.config.auto_rules import AutoRouter, AutoRule, Match
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing.seen import Seen
from coderouter_proxy.senders.sender import Sender

BUILTIN_RULES = [
    AutoRule(id="builtin:image-attachment", profile="multi", match=Match(has_image=True)),
    AutoRule(id="builtin:code-fence-dense", profile="coding", match=Match(code_fence_ratio_min=0.3)),
]

Condition = Callable[[Seen], bool]


@dataclass(frozen=True)
class Resolved:
    """The profile, the rule that chose it (None: no rule did), and what the rules looked at."""

    profile: str
    rule_id: str | None
    signals: dict[str, object]


def event(request_id: str, resolved: Resolved) -> Event:
    if resolved.rule_id is None:
        return AutoRouterFallthrough(
            request_id=request_id, resolved_profile=resolved.profile, signals=resolved.signals
        )
    return AutoRouterResolved(
        request_id=request_id,
        rule_id=resolved.rule_id,
        resolved_profile=resolved.profile,
        signals=resolved.signals,
    )


class Router:
    """Rules in order; the first one that matches decides."""

    def __init__(self, configured: AutoRouter | None) -> None:
        settings = configured or AutoRouter()
        rules = [] if settings.disabled else settings.rules or BUILTIN_RULES
        self._rules = [(rule, _conditions(rule.match)) for rule in rules]
        self._otherwise = settings.default_rule_profile

    def resolve(self, request: ClientRequest, sender: Sender) -> Resolved:
        seen = Seen(request, sender)
        for rule, conditions in self._rules:
            if all(holds(seen) for holds in conditions):
                return Resolved(rule.profile, rule.id, seen.signals)
        return Resolved(self._otherwise, None, seen.signals)


def _conditions(match: Match) -> list[Condition]:
    """Return a condition for each matcher, those first that cost least."""
    values = ((name, getattr(match, name)) for name in MATCHERS)
    return [MATCHERS[name](value) for name, value in values if value is not None]


def _content_regex(pattern: str) -> Condition:
    import regex  # noqa: PLC0415 - memory that only those pay who have patterns

    compiled = regex.compile(pattern)
    return lambda seen: seen.found(compiled)


def _model_pattern(pattern: str) -> Condition:
    import regex  # noqa: PLC0415 - memory that only those pay who have patterns

    compiled = regex.compile(pattern)
    return lambda seen: seen.is_named(compiled)


def _agent_type(name: str) -> Condition:
    folded = name.casefold()
    return lambda seen: seen.agent_type == folded


MATCHERS: Mapping[str, Callable[[Any], Condition]] = {
    "agent": lambda agent: lambda seen: seen.agent == agent,
    "request_class": lambda kind: lambda seen: seen.request_class == kind,
    "agent_type": _agent_type,
    "compaction": lambda _: lambda seen: seen.request_class == "compaction",
    "has_tools": lambda _: lambda seen: seen.has_tools,
    "has_web_search": lambda _: lambda seen: seen.has_web_search,
    "has_thinking": lambda _: lambda seen: seen.has_thinking,
    "has_image": lambda _: lambda seen: seen.has_image,
    "has_document": lambda _: lambda seen: seen.has_document,
    "content_contains": lambda words: lambda seen: words in seen.text,
    "cjk_ratio_min": lambda ratio: lambda seen: seen.cjk_ratio >= ratio,
    "code_fence_ratio_min": lambda ratio: lambda seen: seen.code_fence_ratio >= ratio,
    "content_token_count_min": lambda count: lambda seen: seen.token_count >= count,
    "model_pattern": _model_pattern,
    "content_regex": _content_regex,
}
"""By field of `Match`, what makes its condition; the cheapest first."""
