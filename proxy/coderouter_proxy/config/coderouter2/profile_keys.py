"""The keys of `profiles`, with what becomes of them."""

from coderouter_proxy.config.coderouter2.key import Key, Section, Verdict, number, ours, without_effect

SAME, NEAR, NO_EFFECT = Verdict.SAME, Verdict.NEAR, Verdict.NO_EFFECT

DEMOTING = ("demote", "exclude", "skip")
HALF_OPEN_S = 30.0
FAILURES = 3
MEMORY_COOLDOWN_S = 120.0

DRIFT = (
    "alerts on drift are rules of Prometheus (deploy/prometheus): the length of answers is not their quality"
)
HEALTH = "only has an effect with `backend_health_action: demote`, `exclude` or `skip`"
RECOVERY = "a provider is tried again after its cooldown, by the next request"
CONTEXT = "requests that are too long for a provider skip it; nothing is cut out of a conversation"


def _cooldown(_: object, profile: Section) -> dict[str, float]:
    failures = 2 * number(profile.get("backend_health_threshold", FAILURES))
    return {
        "threshold": int(failures),
        "seconds": number(profile.get("backend_health_half_open_s", HALF_OPEN_S)),
    }


def _memory_cooldown(_: object, profile: Section) -> dict[str, float]:
    return {"seconds": number(profile.get("memory_pressure_cooldown_s", MEMORY_COOLDOWN_S))}


PROFILES = (
    *ours("profiles[].", "name", "providers", "timeout_s", "append_system_prompt"),
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
    *without_effect("profiles[].", HEALTH, "backend_health_threshold", "backend_health_half_open_s"),
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
    *without_effect(
        "profiles[].", "only has an effect with `memory_pressure_action: skip`", "memory_pressure_cooldown_s"
    ),
    *without_effect("profiles[].", RECOVERY, "recovery_probe_initial_s", "recovery_probe_max_s"),
    *without_effect("profiles[].", "the proxy runs no commands", "restart_timeout_s"),
    *without_effect(
        "profiles[].",
        "the order is yours; of a group, `[[a, b], c]`, the least busy is tried first",
        "adaptive",
    ),
    Key(
        path="profiles[].context_budget_action",
        verdict=SAME,
        text="always: a request that is too long for all providers of the chain is refused, and others skip those for"
        " which it is",
        values=("reject",),
    ),
    Key(
        path="profiles[].context_budget_action",
        verdict=NEAR,
        text=f"as `reject`: {CONTEXT}",
        values=("trim",),
    ),
    Key(path="profiles[].context_budget_action", verdict=NO_EFFECT, text=CONTEXT, values=("off", "warn")),
    *without_effect(
        "profiles[].",
        CONTEXT,
        "context_budget_warn_threshold",
        "context_budget_trim_threshold",
        "context_budget_trim_target",
        "context_budget_preserve_last_n",
    ),
    *without_effect(
        "profiles[].",
        DRIFT,
        "drift_detection_action",
        "drift_detection_window_size",
        "drift_detection_cooldown_s",
        "drift_detection_sensitivity",
        "goal_mode",
    ),
    Key(
        path="profiles[].tool_loop_action",
        verdict=SAME,
        text="is `tool_loop`",
        to="tool_loop",
        values=("warn", "inject"),
    ),
    Key(
        path="profiles[].tool_loop_action",
        verdict=SAME,
        text="is `tool_loop: refuse`",
        to="tool_loop",
        value=lambda *_: "refuse",
        values=("break",),
    ),
    Key(
        path="profiles[].tool_loop_threshold",
        verdict=SAME,
        text="is `tool_loop_repeats`",
        to="tool_loop_repeats",
    ),
    *without_effect(
        "profiles[].", "the equal calls at the end of a request count, all of them", "tool_loop_window"
    ),
    *without_effect("profiles[].", "the number of calls is the agent's business", "max_tool_calls"),
    *without_effect(
        "profiles[].",
        "ours always does this: references to tools become text, unused tools are left out",
        "deferred_tools_action",
    ),
    *without_effect(
        "profiles[].", "a cut answer ends with an error, so that the agent knows", "partial_stitch_action"
    ),
    *without_effect(
        "profiles[].",
        "ours always does this: a stream that ends early is an error of its provider",
        "stream_truncation_action",
    ),
    *without_effect(
        "profiles[].",
        "ours always does this: after an empty answer the next provider is tried",
        "empty_response_action",
    ),
    *without_effect(
        "profiles[].",
        "ours always does this: what a provider refuses is noticed and left out (traits)",
        "tool_choice_action",
    ),
    *without_effect(
        "profiles[].",
        "ours always does this: cache marks are left out where the API has none",
        "cache_control_action",
    ),
)
