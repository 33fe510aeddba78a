"""Choose a profile by what a request is about, when none is named and `default_profile` is `auto`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from coderouter_proxy import token_estimate
from coderouter_proxy.config.schema import AutoRouter, AutoRule, Match
from coderouter_proxy.request import Body

if TYPE_CHECKING:
    import regex

REGEX_TIMEOUT_S = 0.05  # time limit of one rule; a pattern that backtracks for longer does not match
TEXT_CHARS_MAX = 200_000

BUILTIN_RULES = [
    AutoRule(id="builtin:image-attachment", profile="multi", match=Match(has_image=True)),
    AutoRule(id="builtin:code-fence-dense", profile="coding", match=Match(code_fence_ratio_min=0.3)),
]
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_IMAGES = frozenset({"image", "image_url", "input_image"})


@dataclass(frozen=True)
class Resolved:
    """The profile, the rule that chose it (None: no rule did), and what the rules looked at."""

    profile: str
    rule_id: str | None
    signals: dict[str, object]


class Router:
    """Rules in order; the first one that matches decides."""

    def __init__(self, configured: AutoRouter | None) -> None:
        settings = configured or AutoRouter()
        rules = [] if settings.disabled else settings.rules or BUILTIN_RULES
        self._rules = [(rule, _condition(rule.match)) for rule in rules]
        self._otherwise = settings.default_rule_profile

    def resolve(self, body: Body) -> Resolved:
        seen = Seen(body)
        for rule, matches in self._rules:
            if matches(seen):
                return Resolved(rule.profile, rule.id, seen.signals)
        return Resolved(self._otherwise, None, seen.signals)


class Seen:
    """What rules can examine, computed on first use. `signals` has counts and flags, no content."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.signals: dict[str, object] = {}

    @cached_property
    def content(self) -> list[dict[str, Any]]:
        """The parts of the newest user message."""
        users = (message for message in reversed(self._body["messages"]) if message.get("role") == "user")
        newest = next(users, None)
        content = newest.get("content") if newest else None
        if isinstance(content, str):
            return [{"type": "text", "text": content}]
        return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []

    @cached_property
    def text(self) -> str:
        """Its text, cut at `TEXT_CHARS_MAX`."""
        texts = (part["text"] for part in self.content if isinstance(part.get("text"), str))
        return "\n".join(texts)[:TEXT_CHARS_MAX]

    @cached_property
    def has_image(self) -> bool:
        self.signals["has_image"] = found = any(part.get("type") in _IMAGES for part in self.content)
        return found

    @cached_property
    def has_tools(self) -> bool:
        # `functions` is the older name of `tools`; some agents still use it.
        self.signals["has_tools"] = found = bool(self._body.get("tools") or self._body.get("functions"))
        return found

    @cached_property
    def code_fence_ratio(self) -> float:
        fenced = sum(len(found[0]) for found in _FENCED.finditer(self.text))
        self.signals["code_fence_ratio"] = ratio = round(fenced / len(self.text), 3) if self.text else 0.0
        return ratio

    @cached_property
    def token_count(self) -> int:
        """The estimated tokens of the whole request."""
        self.signals["token_count"] = count = token_estimate.estimate(self._body)
        return count

    def found(self, pattern: "regex.Pattern[str]") -> bool:
        return self._matches(pattern.search, self.text)

    def is_named(self, pattern: "regex.Pattern[str]") -> bool:
        """Return whether the pattern matches the full name of the model that the client names."""
        model = self._body.get("model")
        return isinstance(model, str) and self._matches(pattern.fullmatch, model[:TEXT_CHARS_MAX])

    def _matches(self, match: "Callable[..., regex.Match[str] | None]", text: str) -> bool:
        try:
            return match(text, timeout=REGEX_TIMEOUT_S) is not None
        except TimeoutError:
            self.signals["regex_timed_out"] = True
            return False


def _condition(match: Match) -> Callable[[Seen], bool]:
    """Return the condition of the rule; validation has made sure that there is exactly one."""
    if match.has_image:
        return lambda seen: seen.has_image
    if match.has_tools:
        return lambda seen: seen.has_tools
    if (ratio := match.code_fence_ratio_min) is not None:
        return lambda seen: seen.code_fence_ratio >= ratio
    if (count := match.content_token_count_min) is not None:
        return lambda seen: seen.token_count >= count
    if (words := match.content_contains) is not None:
        return lambda seen: words in seen.text
    import regex  # noqa: PLC0415 - memory that only those pay who have patterns

    if match.content_regex is not None:
        pattern = regex.compile(match.content_regex)
        return lambda seen: seen.found(pattern)
    named = regex.compile(match.model_pattern or "")
    return lambda seen: seen.is_named(named)
