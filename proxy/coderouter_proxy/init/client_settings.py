"""How to connect coding agents and SDKs to the proxy."""

from dataclasses import dataclass

CODEX_LAST = "0.94.0"
"""The last codex that can use Chat Completions (`wire_api = "chat"`); later versions use only the Responses API."""


@dataclass(frozen=True)
class Tool:
    """`setting` is a command, or what to enter; `{url}` in it is replaced with the proxy's URL."""

    name: str
    setting: str

    def at(self, url: str) -> str:
        return self.setting.replace("{url}", url)


CLAUDE_CODE = Tool("Claude Code", "ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN=unused claude")
OPENAI_SDKS = Tool("OpenAI SDKs", "OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY=unused")
CODEX = Tool(
    f"codex {CODEX_LAST}",
    f"npx @openai/codex@{CODEX_LAST} -c model_provider=coderouter "
    '-c \'model_providers.coderouter={name="CodeRouter", base_url="{url}/v1", wire_api="chat"}\'',
)
CODEX_NEWER = f"codex newer than {CODEX_LAST} uses only the Responses API, which this proxy does not support."
TOOLS = (
    CLAUDE_CODE,
    Tool("Anthropic SDKs", "ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=unused"),
    OPENAI_SDKS,
    Tool("aider", "aider --openai-api-base {url}/v1 --openai-api-key unused --model openai/any"),
    CODEX,
    Tool("Continue, Cline, Roo, Zed …", "“OpenAI compatible”, base URL {url}/v1"),
)
