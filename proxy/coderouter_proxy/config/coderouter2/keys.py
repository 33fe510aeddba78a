"""Every key of CodeRouter 1.7 to 2.19, with what it becomes or where to look instead."""

from coderouter_proxy.config.coderouter2.key import Key, Verdict, ours, without_effect
from coderouter_proxy.config.coderouter2.profile_keys import PROFILES
from coderouter_proxy.config.coderouter2.provider_keys import PROVIDERS

NO_EFFECT = Verdict.NO_EFFECT

EVENT_FILE = "the event file has every request, always: `coderouter stats`, the dashboard"
PROBES = "no requests are invented to probe models; `coderouter doctor --watch` checks servers without tokens"

TOP = (
    *ours("", "allow_paid", "default_profile", "providers", "profiles", "mode_aliases", "display_timezone"),
    *ours("", "auto_router"),
    *without_effect("", EVENT_FILE, "audit_log", "request_log"),
    *without_effect(
        "",
        "rotate the event file with logrotate (deploy/logrotate)",
        "audit_log_max_bytes",
        "request_log_max_bytes",
    ),
    *without_effect("", PROBES, "continuous_probe", "probe_interval_s", "probe_paid", "probe_timeout_s"),
    Key(
        path="state_dir",
        verdict=NO_EFFECT,
        text="state is beside the event file, or in `$STATE_DIRECTORY`",
    ),
    Key(
        path="token_estimation_include_tool_content",
        verdict=NO_EFFECT,
        text="the content of tools always counts",
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

AUTO_ROUTER = (
    *ours("auto_router.", "disabled", "rules", "default_rule_profile"),
    *ours("auto_router.rules[].", "id", "profile", "match"),
    *ours(
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

KEYS = (*TOP, *PROVIDERS, *PROFILES, *AUTO_ROUTER)
