"""What the rules of the auto router can examine of a request."""

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from coderouter_events.closed_sets import Agent, RequestClass
from coderouter_proxy import token_estimate
from coderouter_proxy.config.traits import EFFORTS
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.routing.capabilities import DOCUMENTS, IMAGES, wants_thinking
from coderouter_proxy.senders.sender import Sender

if TYPE_CHECKING:
    import regex

REGEX_TIMEOUT_S = 0.05  # time limit of one pattern; one that backtracks for longer does not match
TEXT_CHARS_MAX = 200_000

_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_NO_LETTERS = re.compile(r"[\W\d_]+")
# Hangul, kana and ideographs, by their blocks in Unicode.
_NO_CJK = re.compile(
    "[^\u1100-\u11ff\u3040-\u30ff\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)
_MUCH = frozenset(EFFORTS[EFFORTS.index("high") :]) | {
    "ultra"
}  # which is a name of Responses for the highest
_EFFORTS = (("output_config", "effort"), ("reasoning", "effort"))


class Seen:
    """Facts of one request, computed on first use. `signals` has counts, flags and closed sets, no content."""

    def __init__(self, request: ClientRequest, sender: Sender) -> None:
        self._request = request
        self._body = request.outline
        self._sender = sender
        self.signals: dict[str, object] = {}

    @cached_property
    def agent(self) -> Agent:
        self.signals["agent"] = agent = self._sender.agent
        return agent

    @cached_property
    def request_class(self) -> RequestClass | None:
        self.signals["request_class"] = request_class = self._sender.request_class
        return request_class

    @cached_property
    def agent_type(self) -> str:
        """The kind of subagent, with its case folded; empty if none is named."""
        return (self._sender.agent_type or "").casefold()

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
        self.signals["has_image"] = found = any(part.get("type") in IMAGES for part in self.content)
        return found

    @cached_property
    def has_document(self) -> bool:
        self.signals["has_document"] = found = any(part.get("type") in DOCUMENTS for part in self.content)
        return found

    @cached_property
    def has_tools(self) -> bool:
        self.signals["has_tools"] = found = self._request.has_tools
        return found

    @cached_property
    def has_web_search(self) -> bool:
        # Messages and Responses have it among the tools, Chat Completions in a field of its own.
        tools = self._body.get("tools")
        types = (
            [tool.get("type") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
        )
        found = any(isinstance(kind, str) and kind.startswith("web_search") for kind in types)
        self.signals["has_web_search"] = found = found or "web_search_options" in self._request.body
        return found

    @cached_property
    def has_thinking(self) -> bool:
        effort = _effort(self._request.body)
        found = wants_thinking(self._body) if effort is None else effort in _MUCH
        self.signals["has_thinking"] = found
        return found

    @cached_property
    def code_fence_ratio(self) -> float:
        fenced = sum(len(found[0]) for found in _FENCED.finditer(self.text))
        self.signals["code_fence_ratio"] = ratio = round(fenced / len(self.text), 3) if self.text else 0.0
        return ratio

    @cached_property
    def cjk_ratio(self) -> float:
        letters = len(_NO_LETTERS.sub("", self.text))
        cjk = len(_NO_CJK.sub("", self.text))
        self.signals["cjk_ratio"] = ratio = round(min(1.0, cjk / letters), 3) if letters else 0.0
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


def _effort(body: Body) -> str | None:
    """Return the effort that the request names, on any wire."""
    named = [body.get("reasoning_effort")]
    for section, field in _EFFORTS:
        inner = body.get(section)
        named.append(inner.get(field) if isinstance(inner, dict) else None)
    return next((effort for effort in named if isinstance(effort, str)), None)
