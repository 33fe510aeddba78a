"""The keys of `providers`, with what becomes of them."""

from typing import Any

from coderouter_proxy.config.coderouter2.key import Key, Section, Verdict, number, ours, without_effect

SAME, NEAR, NO_EFFECT = Verdict.SAME, Verdict.NEAR, Verdict.NO_EFFECT

PLUGIN = Key(
    path="providers[].kind",
    verdict=NO_EFFECT,
    text="this kind is a plugin's; write one of our kinds if the server speaks its API",
)
SERVERS = frozenset(
    (
        *("chat", "claude", "deepseek", "gemini", "groq", "llama.cpp", "llama_cpp", "llamacpp", "lm_studio"),
        *("lmstudio", "mistral", "ollama", "openai", "openrouter", "responses", "sglang", "vllm"),
    )
)
"""Words that people write as a kind, and that are not the names of plugins."""


def _of_input_price(share: Any, cost: Section) -> float:  # noqa: ANN401 - whatever the file has
    """Return the price that is a share of the input price, without the noise of binary fractions."""
    return float(f"{number(share) * number(cost['input_tokens_per_million']):.12g}")


PROVIDER = (
    Key(path="providers[].api_key_env", verdict=SAME, text="is empty, so there is no key", values=("",)),
    *ours("providers[].", "name", "base_url", "model", "api_key_env", "paid", "timeout_s", "ttft_timeout_s"),
    *ours(
        "providers[].",
        "slot_affinity_slots",
        "extra_body",
        "append_system_prompt",
        "output_filters",
        "capabilities",
        "cost",
    ),
    *(Key(path="providers[].kind", verdict=SAME, values=(kind,)) for kind in ("openai_compat", "anthropic")),
    Key(
        path="providers[].kind",
        verdict=NO_EFFECT,
        text="no command-line agents are run",
        values=("agent_cli",),
    ),
    PLUGIN,
    Key(
        path="providers[].agent_cli",
        verdict=NO_EFFECT,
        text="no command-line agents are run; connect them as clients: `coderouter env`",
    ),
    Key(
        path="providers[].max_context_tokens",
        verdict=SAME,
        text="is `capabilities.max_context_tokens`",
        to="capabilities.max_context_tokens",
    ),
    Key(
        path="providers[].tokenizer_path",
        verdict=NO_EFFECT,
        text="lengths are estimated, and corrected by what the answers of each provider report",
    ),
    Key(
        path="providers[].restart_command",
        verdict=NO_EFFECT,
        text="the proxy runs no commands; let systemd restart the server (`Restart=always`)",
    ),
    Key(
        path="providers[].credential.env",
        verdict=SAME,
        text="is `api_key_env`",
        to="api_key_env",
    ),
    Key(path="providers[].credential.source", verdict=SAME, text="is `api_key_env`", values=("env",)),
    Key(
        path="providers[].credential.source",
        verdict=NO_EFFECT,
        text="the provider is without a key; set `api_key_env` or `api_key_file`",
        values=("cli_session",),
    ),
    *without_effect(
        "providers[].credential.",
        "tokens of other programs are not refreshed; `api_key_file` reads a file that holds nothing but the token",
        "path",
        "field",
        "expiry_field",
        "refresh",
    ),
)

CAPABILITIES = (
    *ours("providers[].capabilities.", "tools", "vision", "thinking", "reasoning_passthrough"),
    Key(
        path="providers[].capabilities.tool_choice",
        verdict=NEAR,
        text="is `traits.forced_tool_choice`",
        to="traits.forced_tool_choice",
    ),
    *without_effect(
        "providers[].capabilities.", "all providers do", "chat", "streaming", "openai_compatible"
    ),
    *without_effect(
        "providers[].capabilities.",
        "cache marks are passed on where the API has them, and left out elsewhere",
        "prompt_cache",
    ),
    *without_effect(
        "providers[].capabilities.", "`traits.efforts`, which is known or learnt", "reasoning_control"
    ),
    *without_effect("providers[].capabilities.", "clients run MCP servers", "mcp"),
)

COST = (
    *ours("providers[].cost.", "monthly_budget_usd"),
    Key(
        path="providers[].cost.input_tokens_per_million",
        verdict=SAME,
        text="is `cost.input_per_mtok`; without it, costs are unknown, not 0",
        to="cost.input_per_mtok",
    ),
    Key(
        path="providers[].cost.output_tokens_per_million",
        verdict=SAME,
        text="is `cost.output_per_mtok`; without it, costs are unknown, not 0",
        to="cost.output_per_mtok",
    ),
    Key(
        path="providers[].cost.cache_read_discount",
        verdict=SAME,
        text="is `cost.cache_read_per_mtok`: this share of the input price",
        to="cost.cache_read_per_mtok",
        value=_of_input_price,
        beside={"input_tokens_per_million": ()},
    ),
    Key(
        path="providers[].cost.cache_creation_premium",
        verdict=SAME,
        text="is `cost.cache_write_per_mtok`: the input price times this",
        to="cost.cache_write_per_mtok",
        value=_of_input_price,
        beside={"input_tokens_per_million": ()},
    ),
    *without_effect(
        "providers[].cost.",
        "is a share of `input_tokens_per_million`, which is missing",
        "cache_read_discount",
        "cache_creation_premium",
    ),
)

PROVIDERS = (*PROVIDER, *CAPABILITIES, *COST)
