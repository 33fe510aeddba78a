"""The closed sets of values that fields of events can have."""

from typing import Literal

Ingress = Literal["openai", "anthropic", "responses", "embeddings", "rerank"]
Outcome = Literal["ok", "client_error", "exhausted", "blocked", "midstream", "client_gone"]
DegradedReason = Literal["provider-does-not-support", "translation-lossy", "non-standard-field"]
StateKind = Literal["item", "response"]
CooldownReason = Literal["failures", "retry_after", "memory_pressure"]
ModeSource = Literal["flag", "env", "config"]
LostReason = Literal["hung", "exited"]
QueueResult = Literal["place", "timeout", "left"]
ToolLoopAction = Literal["warn", "inject", "refuse"]

# A closed set: the proxy's table of User-Agents, in `senders/agents.py`.
Agent = Literal[
    "claude-code",
    "codex",
    "opencode",
    "kilo",
    "qwen-code",
    "gemini-cli",
    "copilot",
    "cline",
    "roo-code",
    "crush",
    "droid",
    "zed",
    "openai-agents",
    "pydantic-ai",
    "langchain",
    "litellm",
    "ai-sdk",
    "openai-sdk",
    "anthropic-sdk",
    "other",
]
# A closed set: what a request is for, as its agent reports it in a header.
RequestClass = Literal["main", "subagent", "workflow", "compaction", "auxiliary", "side_reply"]

# A closed set, by cause: the network, the provider, or (cancelled) a client that disconnected or a proxy that stops.
ErrorType = Literal[
    "connect",
    "timeout_connect",
    "timeout_first_byte",
    "timeout_idle",
    "auth",
    "rate_limited",
    "overloaded",
    "upstream_5xx",
    "upstream_4xx",
    "not_found",
    "protocol",
    "empty",
    "cancelled",
]

# What the proxy learns about a provider: the traits of `traits` in providers.yaml.
TraitName = Literal[
    "system_text",
    "alternating",
    "call_ids",
    "max_tokens_field",
    "max_output_tokens",
    "refused_fields",
    "temperature_with_top_p",
    "forced_tool_choice",
    "refused_schema_keywords",
    "images",
    "documents",
    "returns_reasoning",
    "thought_signatures",
    "efforts",
]
# A closed set: the rows of the proxy's table of refusals.
AdaptationReason = Literal[
    "max-completion-tokens",
    "max-tokens",
    "output-limit",
    "no-room-for-answer",
    "system-first",
    "no-system-role",
    "alternating-roles",
    "developer-role",
    "call-id-form",
    "beta-flag",
    "schema-keyword",
    "stream-options",
    "effort-without-thinking",
    "effort-levels",
    "no-effort",
    "no-thinking-field",
    "temperature-with-top-p",
    "sampling-value",
    "tool-choice-with-thinking",
    "forced-tool-choice",
    "reasoning-returned",
    "thought-signature",
    "no-images",
    "no-documents",
    "refused-field",
]
