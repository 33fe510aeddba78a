"""Keys of CodeRouter 2.19 with values that it accepts, the word that we say about each, and files that combine them."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

SAME, NEAR, NO_EFFECT, OURS = "same", "near", "no effect", "ours"


@dataclass(frozen=True)
class Sample:
    """A value at a place of the smallest file; `ours` is a key that needs no word."""

    path: tuple[str | int, ...]
    value: Any
    word: str

    @property
    def shown(self) -> str:
        return ".".join(map(str, self.path))


P, C, F, M = ("providers", 0), ("profiles", 0), ("providers", 0, "capabilities"), ("auto_router", "rules", 0)
COST: dict[str, Any] = {
    "input_tokens_per_million": 3.0,
    "output_tokens_per_million": 15.0,
    "cache_read_discount": 0.1,
    "cache_creation_premium": 1.25,
    "monthly_budget_usd": 20,
}
SESSION = {
    "source": "cli_session",
    "path": "~/.x/auth.json",
    "field": "access_token",
    "expiry_field": "expires_at",
    "refresh": {"command": ["true"], "timeout_s": 30.0},
}

SAMPLES = (
    Sample(("audit_log",), "active", NO_EFFECT),
    Sample(("audit_log_max_bytes",), 10485760, NO_EFFECT),
    Sample(("continuous_probe",), "active", NO_EFFECT),
    Sample(("launcher",), {"model_dirs": ["~/models"], "auto_restart": True}, NO_EFFECT),
    Sample(("plugins",), {"enabled": [], "config": {}}, NO_EFFECT),
    Sample(("probe_interval_s",), 60.0, NO_EFFECT),
    Sample(("probe_paid",), False, NO_EFFECT),
    Sample(("probe_timeout_s",), 10.0, NO_EFFECT),
    Sample(("request_log",), "off", NO_EFFECT),
    Sample(("request_log_max_bytes",), 52428800, NO_EFFECT),
    Sample(("state_dir",), "~/.coderouter/state", NO_EFFECT),
    Sample(("token_estimation_include_tool_content",), True, NO_EFFECT),
    Sample(("display_timezone",), "Asia/Tokyo", OURS),
    Sample((*P, "agent_cli"), {"agent": "claude", "max_turns": 8}, NO_EFFECT),
    Sample((*P, "api_key_env"), "", SAME),
    Sample((*P, "restart_command"), "ollama serve", NO_EFFECT),
    Sample((*P, "tokenizer_path"), "/x.json", NO_EFFECT),
    Sample((*P, "max_context_tokens"), 32768, SAME),
    Sample((*P, "slot_affinity_slots"), 4, OURS),
    Sample((*P, "timeout_s"), 86400, OURS),
    Sample((*P, "ttft_timeout_s"), 10.0, OURS),
    Sample((*P, "output_filters"), ["strip_tool_call_xml", "repair_byte_fallback"], OURS),
    *(
        Sample((*P, "cost", name), value, SAME)
        for name, value in COST.items()
        if name != "monthly_budget_usd"
    ),
    Sample((*P, "cost", "monthly_budget_usd"), 20, OURS),
    Sample((*P, "credential", "source"), "env", SAME),
    Sample((*P, "credential", "env"), "XKEY", SAME),
    Sample((*F, "tool_choice"), False, NEAR),
    Sample((*F, "vision"), True, OURS),
    *(
        Sample((*F, name), True, NO_EFFECT)
        for name in ("chat", "streaming", "prompt_cache", "openai_compatible")
    ),
    *(Sample((*F, name), "anthropic", NO_EFFECT) for name in ("reasoning_control", "mcp")),
    Sample((*C, "adaptive"), True, NO_EFFECT),
    Sample((*C, "backend_health_action"), "skip", NEAR),
    Sample((*C, "backend_health_half_open_s"), 45.0, NEAR),
    Sample((*C, "backend_health_threshold"), 4, NEAR),
    Sample((*C, "memory_pressure_action"), "skip", NEAR),
    Sample((*C, "memory_pressure_cooldown_s"), 120, NEAR),
    Sample((*C, "context_budget_action"), "trim", NEAR),
    Sample((*C, "context_budget_preserve_last_n"), 4, NO_EFFECT),
    Sample((*C, "context_budget_trim_target"), 0.75, NO_EFFECT),
    Sample((*C, "context_budget_trim_threshold"), 0.9, NO_EFFECT),
    Sample((*C, "context_budget_warn_threshold"), 0.8, NO_EFFECT),
    Sample((*C, "cache_control_action"), "strip", NO_EFFECT),
    Sample((*C, "deferred_tools_action"), "expand", NO_EFFECT),
    Sample((*C, "drift_detection_action"), "promote", NO_EFFECT),
    Sample((*C, "drift_detection_cooldown_s"), 300, NO_EFFECT),
    Sample((*C, "drift_detection_sensitivity"), "normal", NO_EFFECT),
    Sample((*C, "drift_detection_window_size"), 20, NO_EFFECT),
    Sample((*C, "empty_response_action"), "fallback", NO_EFFECT),
    Sample((*C, "goal_mode"), True, NO_EFFECT),
    Sample((*C, "max_tool_calls"), 50, NO_EFFECT),
    Sample((*C, "partial_stitch_action"), "surface", NO_EFFECT),
    Sample((*C, "recovery_probe_initial_s"), 30.0, NO_EFFECT),
    Sample((*C, "recovery_probe_max_s"), 300.0, NO_EFFECT),
    Sample((*C, "restart_timeout_s"), 30.0, NO_EFFECT),
    Sample((*C, "stream_truncation_action"), "error", NO_EFFECT),
    Sample((*C, "tool_choice_action"), "emulate", NO_EFFECT),
    Sample((*C, "tool_loop_action"), "break", SAME),
    Sample((*C, "tool_loop_threshold"), 4, SAME),
    Sample((*C, "tool_loop_window"), 5, NO_EFFECT),
    Sample((*C, "timeout_s"), 600, OURS),
    *(
        Sample((*M, "match"), {name: value}, OURS)
        for name, value in {
            "has_image": True,
            "has_tools": True,
            "code_fence_ratio_min": 0.3,
            "cjk_ratio_min": 0.3,
            "content_contains": "plan",
            "content_regex": "^plan",
            "model_pattern": "claude.*",
            "content_token_count_min": 32000,
            "request_class": "subagent",
            "agent_type": "Explore",
            "compaction": True,
        }.items()
    ),
)
# Words that depend on what is beside the key: alone they have no effect.
ALONE = {
    "cache_read_discount",
    "cache_creation_premium",
    "backend_health_half_open_s",
    "backend_health_threshold",
    "memory_pressure_cooldown_s",
}


def base() -> dict[str, Any]:
    return {
        "default_profile": "default",
        "providers": [
            {"name": "a", "kind": "openai_compat", "base_url": "http://127.0.0.1:1/v1", "model": "m"},
            {"name": "b", "base_url": "http://127.0.0.1:2/v1", "model": ""},
        ],
        "profiles": [{"name": "default", "providers": ["a", "b"]}],
    }


def with_samples(samples: list[Sample]) -> dict[str, Any]:
    """Return the smallest file with the values."""
    data = base()
    for sample in samples:
        if sample.path[0] == "auto_router":
            data["default_profile"] = "auto"
            data["auto_router"] = {
                "default_rule_profile": "default",
                "rules": [{"id": "r", "profile": "default", "match": sample.value}],
            }
            continue
        section: Any = data
        for key in sample.path[:-1]:
            section = section[key] if isinstance(key, int) else section.setdefault(key, {})
        section[sample.path[-1]] = sample.value
    return data


def combined(seed: int, number: int = 20) -> list[Sample]:
    """Return so many different keys, of which no two exclude each other."""
    chosen: dict[tuple[str | int, ...], Sample] = {}
    for sample in random.Random(seed).sample(SAMPLES, len(SAMPLES)):
        is_key = sample.path[-1] == "api_key_env"
        if len(chosen) < number and not (is_key and any("credential" in path for path in chosen)):
            if "credential" in sample.path and (*P, "api_key_env") in chosen:
                continue
            chosen[sample.path] = sample
    if any("credential" in path for path in chosen):
        for sample in SAMPLES:
            if "credential" in sample.path:
                chosen[sample.path] = sample
    return list(chosen.values())


def words(samples: list[Sample]) -> dict[str, str]:
    """Return the word for each key that is not ours, by its path."""
    data = with_samples(samples)
    profile = data["profiles"][0]
    cost = data["providers"][0].get("cost", {})
    found: dict[str, str] = {}
    for sample in samples:
        name = str(sample.path[-1])
        counts = {
            "cache": "input_tokens_per_million" in cost,
            "backend": "backend_health_action" in profile,
            "memory": "memory_pressure_action" in profile,
        }
        if sample.word != OURS:
            alone = name in ALONE and not counts[name.partition("_")[0]]
            found[sample.shown] = NO_EFFECT if alone else sample.word
    return found


def written(data: Mapping[str, Any], seed: int) -> str:
    """Return the file in some style of writing, with a comment at the end of some lines and above others."""
    random_ = random.Random(seed)
    flow = random_.choice([None, False])
    text: str = yaml.safe_dump(data, sort_keys=False, default_flow_style=flow, indent=random_.choice([2, 4]))
    lines = [
        f"{line}{f'  # note {number}' if random_.random() < 0.2 else ''}"
        for number, line in enumerate(text.splitlines())
    ]
    return "".join(_with_comments_above(lines, random_))


def _with_comments_above(lines: list[str], random_: random.Random) -> Iterator[str]:
    for number, line in enumerate(lines):
        if random_.random() < 0.15 and not line.startswith(("  ", "-")):
            yield f"# above {number}\n"
        yield f"{line}\n"
