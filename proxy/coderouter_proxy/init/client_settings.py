"""How to connect coding agents and SDKs to the proxy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """`setting` is a command, or what goes into `file`, or what to enter; `{url}` in it is the proxy's URL.

    `profile` is added to it to send the header that selects the profile `coding`; empty if the tool cannot.
    """

    name: str
    setting: str
    file: str = ""
    profile: str = ""

    def at(self, url: str) -> str:
        return self.setting.replace("{url}", url)


_OPENCODE = (
    '{"provider": {"coderouter": {"npm": "@ai-sdk/openai-compatible", "name": "CodeRouter", '
    '"options": {"baseURL": "{url}/v1", "apiKey": "unused"}, "models": {"any": {"name": "any"}}}}, '
    '"model": "coderouter/any"}'
)
_IN_OPTIONS = '"headers": {"X-CodeRouter-Profile": "coding"} in "options"'

CLAUDE_CODE = Tool(
    "Claude Code",
    "ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN=unused claude",
    profile='ANTHROPIC_CUSTOM_HEADERS="X-CodeRouter-Profile: coding"',
)
TOOLS = (
    CLAUDE_CODE,
    Tool(
        "codex",
        "npx @openai/codex -c model=any -c model_provider=coderouter "
        '-c \'model_providers.coderouter={name="CodeRouter", base_url="{url}/v1", wire_api="responses"}\'',
        profile='http_headers={"X-CodeRouter-Profile"="coding"} in the provider',
    ),
    Tool("opencode", _OPENCODE, file="opencode.json", profile=_IN_OPTIONS),
    Tool("Kilo CLI", _OPENCODE, file="kilo.json", profile=_IN_OPTIONS),
    Tool(
        "Qwen Code",
        "OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY=unused OPENAI_MODEL=any qwen --auth-type openai",
    ),
    Tool(
        "pi, started with --provider coderouter --model any",
        '{"providers": {"coderouter": {"baseUrl": "{url}/v1", "api": "openai-completions", "apiKey": "unused", '
        '"models": [{"id": "any"}]}}}',
        file="~/.pi/agent/models.json",
    ),
    Tool(
        "Copilot CLI",
        "COPILOT_PROVIDER_BASE_URL={url}/v1 COPILOT_PROVIDER_API_KEY=unused COPILOT_MODEL=any copilot",
    ),
    Tool("Cline CLI, started with -P openai -m any", "cline auth -p openai -k unused -m any -b {url}/v1"),
    Tool(
        "Continue",
        "models: [{name: any, provider: openai, model: any, apiBase: {url}/v1, apiKey: unused, "
        "capabilities: [tool_use]}]",
        file="~/.continue/config.yaml",
        profile="requestOptions: {headers: {X-CodeRouter-Profile: coding}} in the model",
    ),
    Tool("aider", "aider --openai-api-base {url}/v1 --openai-api-key unused --model openai/any"),
    Tool(
        "mini-swe-agent",
        "OPENAI_API_BASE={url}/v1 OPENAI_API_KEY=unused MSWEA_COST_TRACKING=ignore_errors mini -m openai/any",
    ),
    Tool(
        "OpenAI SDKs, openai-agents, pydantic-ai, LangChain",
        "OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY=unused",
        profile='default_headers={"X-CodeRouter-Profile": "coding"}',
    ),
    Tool(
        "Anthropic SDKs",
        "ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=unused",
        profile='default_headers={"X-CodeRouter-Profile": "coding"}',
    ),
    Tool(
        "AI SDK",
        'createOpenAI({baseURL: "{url}/v1", apiKey: "unused"})("any")',
        profile='headers: {"X-CodeRouter-Profile": "coding"} in the options',
    ),
    Tool("Roo, Zed …", "“OpenAI compatible”, base URL {url}/v1"),
)
