"""Every key of CodeRouter 1.7 to 2.19, with what it becomes or where to look instead."""

from typing import Any

from coderouter_proxy.config.coderouter2.key import Key, Section, Verdict, number

SAME, NEAR, NO_EFFECT = Verdict.SAME, Verdict.NEAR, Verdict.NO_EFFECT

DEMOTING = ("demote", "exclude", "skip")
HALF_OPEN_S = 30.0
FAILURES = 3
MEMORY_COOLDOWN_S = 120.0

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
"""Words that people write as a kind, and no plugin is called by."""


def _of_input_price(share: Any, cost: Section) -> float:  # noqa: ANN401 - whatever the file has
    """Return the price that is a share of the input price, without the noise of binary fractions."""
    return float(f"{number(share) * number(cost['input_tokens_per_million']):.12g}")


def _cooldown(_: object, profile: Section) -> dict[str, float]:
    failures = 2 * number(profile.get("backend_health_threshold", FAILURES))
    return {
        "threshold": int(failures),
        "seconds": number(profile.get("backend_health_half_open_s", HALF_OPEN_S)),
    }


def _memory_cooldown(_: object, profile: Section) -> dict[str, float]:
    return {"seconds": number(profile.get("memory_pressure_cooldown_s", MEMORY_COOLDOWN_S))}


def _ours(section: str, *names: str) -> tuple[Key, ...]:
    return tuple(Key(path=f"{section}{name}", verdict=SAME) for name in names)


def _without_effect(section: str, text: str, *names: str) -> tuple[Key, ...]:
    return tuple(Key(path=f"{section}{name}", verdict=NO_EFFECT, text=text) for name in names)


EVENT_FILE = "the event file has every request, always: `coderouter stats`, the dashboard"
PROBES = "no requests are made up to probe models; `coderouter doctor --watch` checks servers without tokens"

TOP = (
    *_ours("", "allow_paid", "default_profile", "providers", "profiles", "mode_aliases", "display_timezone"),
    *_ours("", "auto_router"),
    *_without_effect("", EVENT_FILE, "audit_log", "request_log"),
    *_without_effect(
        "",
        "rotate the event file with logrotate (deploy/logrotate)",
        "audit_log_max_bytes",
        "request_log_max_bytes",
    ),
    *_without_effect("", PROBES, "continuous_probe", "probe_interval_s", "probe_paid", "probe_timeout_s"),
    Key(
        path="state_dir",
        verdict=NO_EFFECT,
        text="state is beside the event file, or in `$STATE_DIRECTORY`",
    ),
    Key(
        path="token_estimation_include_tool_content",
        verdict=NO_EFFECT,
        text="the content of tools counts always",
    ),
    Key(
        path="plugins",
        verdict=NO_EFFECT,
        text="there are no plugins; filters, repair of tool calls and counts are built in",
    ),
    Key(
        path="launcher",
        verdict=NO_EFFECT,
        text="servers are started by systemd, Ollama or llama-swap, which is a provider like any other",
    ),
)

PROVIDER = (
    Key(path="providers[].api_key_env", verdict=SAME, text="is empty, so there is no key", values=("",)),
    *_ours("providers[].", "name", "base_url", "model", "api_key_env", "paid", "timeout_s", "ttft_timeout_s"),
    *_ours("providers[].", "extra_body", "append_system_prompt", "output_filters", "capabilities", "cost"),
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
        path="providers[].slot_affinity_slots",
        verdict=NO_EFFECT,
        text="llama.cpp chooses the slot; `extra_body: {id_slot: 0}` names one",
    ),
    Key(
        path="providers[].max_context_tokens",
        verdict=NO_EFFECT,
        text="`max_context_tokens` of a rule in model-capabilities.yaml, by model; longer requests try others first",
    ),
    Key(
        path="providers[].tokenizer_path",
        verdict=NO_EFFECT,
        text="lengths are estimated; providers that count tokens are asked for `count_tokens`",
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
        text="the provider is without a key: tokens of other programs are not read; set `api_key_env`",
        values=("cli_session",),
    ),
    *_without_effect(
        "providers[].credential.",
        "tokens of other programs are neither read nor refreshed; set `api_key_env`",
        "path",
        "field",
        "expiry_field",
        "refresh",
    ),
)

CAPABILITIES = (
    *_ours("providers[].capabilities.", "tools", "vision", "thinking", "reasoning_passthrough"),
    Key(
        path="providers[].capabilities.tool_choice",
        verdict=NEAR,
        text="is `traits.forced_tool_choice`",
        to="traits.forced_tool_choice",
    ),
    *_without_effect(
        "providers[].capabilities.", "all providers do", "chat", "streaming", "openai_compatible"
    ),
    *_without_effect(
        "providers[].capabilities.",
        "cache marks are passed on where the API has them, and left out elsewhere",
        "prompt_cache",
    ),
    *_without_effect(
        "providers[].capabilities.", "`traits.efforts`, which is known or learnt", "reasoning_control"
    ),
    *_without_effect("providers[].capabilities.", "clients run MCP servers", "mcp"),
)

COST = (
    *_ours("providers[].cost.", "monthly_budget_usd"),
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
    *_without_effect(
        "providers[].cost.",
        "is a share of `input_tokens_per_million`, which is missing",
        "cache_read_discount",
        "cache_creation_premium",
    ),
)

DRIFT = (
    "alerts on drift are rules of Prometheus (deploy/prometheus): the length of answers is not their quality"
)
HEALTH = "only counts with `backend_health_action: demote`, `exclude` or `skip`"
RECOVERY = "a provider is tried again after its cooldown, by the next request"
CONTEXT = "providers with too small a context are tried last; nothing is cut out of a conversation"
TOOL_LOOP = "loops of tool calls are left to the agent"

PROFILE = (
    *_ours("profiles[].", "name", "providers", "timeout_s", "append_system_prompt"),
    Key(
        path="profiles[].backend_health_action",
        verdict=NEAR,
        text="is `cooldown`: twice `backend_health_threshold` failures move a provider to the end of the chain, for"
        " `backend_health_half_open_s`; none is excluded, because it may be the last one that works",
        to="cooldown",
        value=_cooldown,
        values=DEMOTING,
    ),
    Key(
        path="profiles[].backend_health_action",
        verdict=NO_EFFECT,
        text="failures of providers are in the metrics and on the dashboard",
        values=("off", "warn"),
    ),
    Key(
        path="profiles[].backend_health_threshold",
        verdict=NEAR,
        text="is half of `cooldown.threshold`",
        beside={"backend_health_action": DEMOTING},
    ),
    Key(
        path="profiles[].backend_health_half_open_s",
        verdict=NEAR,
        text="is `cooldown.seconds`",
        beside={"backend_health_action": DEMOTING},
    ),
    *_without_effect("profiles[].", HEALTH, "backend_health_threshold", "backend_health_half_open_s"),
    Key(
        path="profiles[].memory_pressure_action",
        verdict=NEAR,
        text="is part of `cooldown`: errors about memory begin one at once",
        values=("skip",),
        beside={"backend_health_action": DEMOTING},
    ),
    Key(
        path="profiles[].memory_pressure_action",
        verdict=NEAR,
        text="is `cooldown`: errors about memory begin one at once, three others do too",
        to="cooldown",
        value=_memory_cooldown,
        values=("skip",),
    ),
    Key(
        path="profiles[].memory_pressure_action",
        verdict=NO_EFFECT,
        text="errors about memory are in the event file; `cooldown` acts on them",
        values=("off", "warn"),
    ),
    Key(
        path="profiles[].memory_pressure_cooldown_s",
        verdict=NEAR,
        text="`cooldown.seconds` is `backend_health_half_open_s` for all errors",
        beside={"memory_pressure_action": ("skip",), "backend_health_action": DEMOTING},
    ),
    Key(
        path="profiles[].memory_pressure_cooldown_s",
        verdict=NEAR,
        text="is `cooldown.seconds`",
        beside={"memory_pressure_action": ("skip",)},
    ),
    *_without_effect(
        "profiles[].", "only counts with `memory_pressure_action: skip`", "memory_pressure_cooldown_s"
    ),
    *_without_effect("profiles[].", RECOVERY, "recovery_probe_initial_s", "recovery_probe_max_s"),
    *_without_effect("profiles[].", "the proxy runs no commands", "restart_timeout_s"),
    *_without_effect("profiles[].", "the order of a chain is yours; `cooldown` moves what fails", "adaptive"),
    *_without_effect(
        "profiles[].",
        CONTEXT,
        "context_budget_action",
        "context_budget_warn_threshold",
        "context_budget_trim_threshold",
        "context_budget_trim_target",
        "context_budget_preserve_last_n",
    ),
    *_without_effect(
        "profiles[].",
        DRIFT,
        "drift_detection_action",
        "drift_detection_window_size",
        "drift_detection_cooldown_s",
        "drift_detection_sensitivity",
        "goal_mode",
    ),
    *_without_effect(
        "profiles[].",
        TOOL_LOOP,
        "tool_loop_action",
        "tool_loop_threshold",
        "tool_loop_window",
        "max_tool_calls",
    ),
    *_without_effect(
        "profiles[].",
        "ours does it always: references to tools become text, unused tools are left out",
        "deferred_tools_action",
    ),
    *_without_effect(
        "profiles[].", "a cut answer ends with an error, so that the agent knows", "partial_stitch_action"
    ),
    *_without_effect(
        "profiles[].",
        "ours does it always: a stream that ends early is an error of its provider",
        "stream_truncation_action",
    ),
    *_without_effect(
        "profiles[].",
        "ours does it always: after an empty answer the next provider is tried",
        "empty_response_action",
    ),
    *_without_effect(
        "profiles[].",
        "ours does it always: what a provider refuses is noticed and left out (traits)",
        "tool_choice_action",
    ),
    *_without_effect(
        "profiles[].",
        "ours does it always: cache marks are left out where the API has none",
        "cache_control_action",
    ),
)

AUTO_ROUTER = (
    *_ours("auto_router.", "disabled", "rules", "default_rule_profile"),
    *_ours("auto_router.rules[].", "id", "profile", "match"),
    *_ours(
        "auto_router.rules[].match.",
        "has_image",
        "code_fence_ratio_min",
        "content_contains",
        "content_regex",
        "model_pattern",
        "content_token_count_min",
        "cjk_ratio_min",
        "has_tools",
        "request_class",
        "agent_type",
        "compaction",
    ),
)

KEYS = (*TOP, *PROVIDER, *CAPABILITIES, *COST, *PROFILE, *AUTO_ROUTER)
