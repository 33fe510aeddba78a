"""Where the labels of the families get their values: fields of events, and the closed sets that some are mapped to."""

from typing import get_args

from coderouter_events.closed_sets import ErrorType, Ingress
from coderouter_exporter.families.kinds import Field, Mapped, closed

ERROR_TYPE = closed("error_type", get_args(ErrorType))
INGRESS = closed("ingress", get_args(Ingress))
CONVERSATIONS = tuple(each for each in get_args(Ingress) if each not in ("embeddings", "rerank"))
MODEL = Field("model")
PROFILE = Field("profile")
PROVIDER = Field("provider")
STOP_REASON = Mapped(
    "stop_reason",
    {
        **dict.fromkeys(("stop", "end_turn", "stop_sequence"), "stop"),
        **dict.fromkeys(("length", "max_tokens", "model_context_window_exceeded"), "length"),
        **dict.fromkeys(("tool_calls", "tool_use", "function_call"), "tool_calls"),
        **dict.fromkeys(("content_filter", "refusal"), "content_filter"),
    },
    default="other",
)
BROKEN_BY = Mapped("error_type", {"timeout_idle": "idle_timeout"}, default="error")
