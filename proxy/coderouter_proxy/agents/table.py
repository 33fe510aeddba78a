"""The agents and SDKs, one row each: their variables, their settings file, how they are started."""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coderouter_http.command_line.local_urls import PROXY_URL

MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"
MODEL = "any"  # the proxy uses the models of its providers
UNUSED = "unused"  # as a key: agents require one, the proxy does not
OUTPUT_TOKENS_MAX = 8192
PROFILE = "coding"
"""The profile of examples."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the settings of an agent depend on."""

    url: str = PROXY_URL
    profile: str | None = None
    """To send with each request; None sends none."""
    context_tokens: int | None = None
    """Of the model behind the proxy; None is unknown."""

    @property
    def v1(self) -> str:
        return f"{self.url}/v1"

    @property
    def headers(self) -> dict[str, str]:
        return {"X-CodeRouter-Profile": self.profile} if self.profile else {}


Settings = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Agent:
    """`key` is its name on the command line; all other names are those of its own documentation.

    `variables` and `settings` return what connects it, and `more` adds useful variables. `start` is the command that
    starts it. Where neither variables nor settings suffice, `by_hand` says what to enter, with `{v1}` for the base
    URL. `profile` is the setting that sends the header which selects a profile; empty if there is none.
    """

    key: str
    name: str
    start: str = ""
    path: str = "/v1/chat/completions"
    """The path of its requests at the proxy, if its base URL is right."""
    variables: Callable[[Target], Mapping[str, str]] = lambda _: {}
    more: Callable[[Target], Mapping[str, str]] = lambda _: {}
    file: str = ""
    settings: Callable[[Target], Settings] | None = None
    by_hand: str = ""
    profile: str = ""

    @property
    def base_path(self) -> str:
        """The path of its base URL."""
        return "" if self.path == MESSAGES else "/v1"

    @property
    def line_goes_into(self) -> str:
        """The file that `line` belongs in; empty if it is a command or an instruction."""
        return "" if self.variables(Target()) or (self.by_hand and self.settings) else self.file

    def line(self, target: Target) -> str:
        """Return the least that connects it, in one line: a command, the content of its file, or an instruction."""
        if self.by_hand:
            return self.by_hand.replace("{v1}", target.v1)
        variables = self.variables(target)
        if not variables and self.settings is not None:
            return json.dumps(self.settings(target))
        words = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
        return " ".join([*words, *filter(None, [self.start])])


def _claude(at: Target) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": at.url, "ANTHROPIC_AUTH_TOKEN": UNUSED}


def _claude_more(at: Target) -> dict[str, str]:
    """Return what makes it report the kind of each request, keep its prompt cacheable, and know its context size."""
    more = {"CLAUDE_CODE_ATTRIBUTION_HEADER": "0", "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1"}
    if at.context_tokens:
        more["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(at.context_tokens)
    if at.headers:
        more["ANTHROPIC_CUSTOM_HEADERS"] = "\n".join(f"{name}: {value}" for name, value in at.headers.items())
    return more


def _claude_in_vscode(at: Target) -> Settings:
    variables = {**_claude(at), **_claude_more(at)}
    return {
        "claudeCode.environmentVariables": [
            {"name": name, "value": value} for name, value in variables.items()
        ]
    }


def _codex(at: Target) -> Settings:
    provider: dict[str, Any] = {"name": "CodeRouter", "base_url": at.v1, "wire_api": "responses"}
    if at.headers:
        provider["http_headers"] = at.headers
    context = {"model_context_window": at.context_tokens} if at.context_tokens else {}
    return {
        "model": MODEL,
        "model_provider": "coderouter",
        **context,
        "model_providers": {"coderouter": provider},
    }


def _opencode(at: Target) -> Settings:
    model: dict[str, Any] = {"name": MODEL}
    if at.context_tokens:
        output = min(OUTPUT_TOKENS_MAX, at.context_tokens // 4)
        model["limit"] = {"context": at.context_tokens, "output": output}
    options: dict[str, Any] = {"baseURL": at.v1, "apiKey": UNUSED}
    if at.headers:
        options["headers"] = at.headers
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "CodeRouter", "options": options}
    return {
        "provider": {"coderouter": {**provider, "models": {MODEL: model}}},
        "model": f"coderouter/{MODEL}",
    }


def _pi(at: Target) -> Settings:
    model: dict[str, Any] = {"id": MODEL}
    if at.context_tokens:
        model["contextWindow"] = at.context_tokens
    provider = {"baseUrl": at.v1, "api": "openai-completions", "apiKey": UNUSED, "models": [model]}
    return {"providers": {"coderouter": provider}}


def _openai(at: Target) -> dict[str, str]:
    return {"OPENAI_BASE_URL": at.v1, "OPENAI_API_KEY": UNUSED}


_IN_OPTIONS = '"headers": {"X-CodeRouter-Profile": "coding"} in "options"'
_SDK_HEADERS = 'default_headers={"X-CodeRouter-Profile": "coding"}'

AGENTS = (
    Agent(
        key="claude",
        name="Claude Code",
        start="claude",
        path=MESSAGES,
        variables=_claude,
        more=_claude_more,
        file="~/.claude/settings.json",
        settings=lambda at: {"env": {**_claude(at), **_claude_more(at)}},
        profile='ANTHROPIC_CUSTOM_HEADERS="X-CodeRouter-Profile: coding"',
    ),
    Agent(
        key="vscode",
        name="Claude Code in VS Code",
        path=MESSAGES,
        file=".vscode/settings.json",
        settings=_claude_in_vscode,
        profile="ANTHROPIC_CUSTOM_HEADERS in the same list",
    ),
    Agent(
        key="codex",
        name="codex",
        start="codex",
        path=RESPONSES,
        file="~/.codex/config.toml",
        settings=_codex,
        by_hand="npx @openai/codex -c model=any -c model_provider=coderouter -c "
        '\'model_providers.coderouter={name="CodeRouter", base_url="{v1}", wire_api="responses"}\'',
        profile='http_headers={"X-CodeRouter-Profile"="coding"} in the provider',
    ),
    Agent(
        key="opencode",
        name="opencode",
        start="opencode",
        file="~/.config/opencode/opencode.json",
        settings=_opencode,
        profile=_IN_OPTIONS,
    ),
    Agent(
        key="kilo", name="Kilo CLI", start="kilo", file="kilo.json", settings=_opencode, profile=_IN_OPTIONS
    ),
    Agent(
        key="qwen",
        name="Qwen Code",
        start="qwen --auth-type openai",
        variables=lambda at: {**_openai(at), "OPENAI_MODEL": MODEL},
    ),
    Agent(
        key="pi",
        name="pi",
        start="pi --provider coderouter --model any",
        file="~/.pi/agent/models.json",
        settings=_pi,
    ),
    Agent(
        key="copilot",
        name="Copilot CLI",
        start="copilot",
        variables=lambda at: {
            "COPILOT_PROVIDER_BASE_URL": at.v1,
            "COPILOT_PROVIDER_API_KEY": UNUSED,
            "COPILOT_MODEL": MODEL,
        },
    ),
    Agent(
        key="cline",
        name="Cline CLI",
        start="cline -P openai -m any",
        by_hand="cline auth -p openai -k unused -m any -b {v1}",
    ),
    Agent(
        key="continue",
        name="Continue",
        file="~/.continue/config.yaml",
        by_hand="models: [{name: any, provider: openai, model: any, apiBase: {v1}, apiKey: unused, "
        "capabilities: [tool_use]}]",
        profile="requestOptions: {headers: {X-CodeRouter-Profile: coding}} in the model",
    ),
    Agent(
        key="aider",
        name="aider",
        by_hand="aider --openai-api-base {v1} --openai-api-key unused --model openai/any",
    ),
    Agent(
        key="mini",
        name="mini-swe-agent",
        start="mini -m openai/any",
        variables=lambda at: {
            "OPENAI_API_BASE": at.v1,
            "OPENAI_API_KEY": UNUSED,
            "MSWEA_COST_TRACKING": "ignore_errors",
        },
    ),
    Agent(
        key="openai",
        name="OpenAI SDKs, openai-agents, pydantic-ai, LangChain",
        variables=_openai,
        profile=_SDK_HEADERS,
    ),
    Agent(
        key="anthropic",
        name="Anthropic SDKs",
        path=MESSAGES,
        variables=lambda at: {"ANTHROPIC_BASE_URL": at.url, "ANTHROPIC_API_KEY": UNUSED},
        profile=_SDK_HEADERS,
    ),
    Agent(
        key="ai-sdk",
        name="AI SDK",
        path=RESPONSES,
        by_hand='createOpenAI({baseURL: "{v1}", apiKey: "unused"})("any")',
        profile='headers: {"X-CodeRouter-Profile": "coding"} in the options',
    ),
    Agent(key="other", name="Roo, Zed …", by_hand="“OpenAI compatible”, base URL {v1}"),
)
BY_KEY = {agent.key: agent for agent in AGENTS}
