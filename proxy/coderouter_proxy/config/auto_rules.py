"""Schema of `auto_router` in providers.yaml: rules that choose a profile by what a request is about."""

from typing import Annotated, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from coderouter_events.closed_sets import Agent, RequestClass
from coderouter_proxy.config.section import Section
from coderouter_proxy.config.values import Name, OnlyTrue, Regex, Text

Ratio = Annotated[float, Field(ge=0, le=1)]


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class Match(Section):
    """The conditions of a rule; all of them have to hold."""

    request_class: Annotated[
        Annotated[RequestClass, BeforeValidator(_lower)] | None,
        "What the request is for, as its agent reports it: `main`, `subagent`, `workflow`, `compaction`, `auxiliary`"
        " or `side_reply`. Claude Code does so with `CLAUDE_CODE_GATEWAY_HINT_HEADERS=1`, codex always.",
    ] = None
    agent_type: Annotated[
        Text | None,
        "The kind of subagent as the agent names it, e.g. `Explore` of Claude Code; case does not count.",
    ] = None
    compaction: Annotated[OnlyTrue | None, "The request asks for a summary of the conversation."] = None
    agent: Annotated[
        Agent | None, f"The client by its `User-Agent`: {', '.join(f'`{name}`' for name in get_args(Agent))}."
    ] = None
    has_image: Annotated[OnlyTrue | None, "The latest user message contains an image."] = None
    has_document: Annotated[
        OnlyTrue | None, "The latest user message contains a document, such as a PDF."
    ] = None
    has_tools: Annotated[OnlyTrue | None, "The request has tools."] = None
    has_web_search: Annotated[OnlyTrue | None, "The request has the web search of an API's vendor."] = None
    has_thinking: Annotated[
        OnlyTrue | None,
        "The request asks for much thinking: an effort of `high` or more, or `thinking` without an effort.",
    ] = None
    code_fence_ratio_min: Annotated[
        Ratio | None, "At least this fraction of the latest user message is inside code fences."
    ] = None
    cjk_ratio_min: Annotated[
        Ratio | None,
        "At least this fraction of the letters of the latest user message is Chinese, Japanese or Korean.",
    ] = None
    content_contains: Annotated[Text | None, "The latest user message contains this text."] = None
    content_regex: Annotated[Regex | None, "The pattern is found in the latest user message."] = None
    content_token_count_min: Annotated[
        Annotated[int, Field(ge=1)] | None, "The whole request has at least this many tokens (estimated)."
    ] = None
    model_pattern: Annotated[
        Regex | None, "The pattern matches the full name of the model the client names."
    ] = None

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        fields = type(self).model_fields
        if all(getattr(self, name) is None for name in fields):
            raise ValueError(f"has no matcher; write at least one of {', '.join(fields)}")
        return self


class AutoRule(Section):
    """Routes the requests that match to a profile."""

    id: Annotated[Name, "Its name in events."]
    profile: Annotated[Name, "Profile for the requests that match."]
    match: Annotated[Match, "One or more matchers, which all have to match; see below."]


class AutoRouter(Section):
    """How a profile is chosen when `default_profile` is `auto`; rules replace the built-in ones."""

    rules: Annotated[list[AutoRule], "The first match wins. Without any, the built-in rules apply."] = []
    default_rule_profile: Annotated[Name, "Profile when no rule matches."] = "writing"
    disabled: Annotated[bool, "True: skip all rules."] = False
