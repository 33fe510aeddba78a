"""The providers of the generated hour: what they are, how fast they answer, and when they fail."""

from dataclasses import dataclass

from coderouter_events.closed_sets import ErrorType
from coderouter_events.events import CatalogEntry


@dataclass(frozen=True)
class Model:
    """How a provider answers; times are medians. Prices are in US dollars per million tokens."""

    first_token_s: float
    per_token_s: float
    input_usd: float | None = None
    output_usd: float | None = None
    cached: float = 0.0
    leaks: float = 0.0


@dataclass(frozen=True)
class Incident:
    """In these minutes this share of the attempts fails, after so many seconds."""

    provider: str
    minutes: range
    share: float
    error_type: ErrorType
    status: int | None
    after_s: float


ERRORS: dict[ErrorType, str] = {
    "connect": "cannot connect to 127.0.0.1:11434: Connection refused",
    "timeout_first_byte": "no first byte within 10 s",
    "timeout_idle": "no data for 60 s",
    "upstream_5xx": "HTTP 502: Bad Gateway",
    "rate_limited": "HTTP 429: too many requests, try again in 20 s",
    "overloaded": "HTTP 529: Overloaded",
}
MODELS = {
    "ollama": Model(first_token_s=0.45, per_token_s=0.022, input_usd=0.0, output_usd=0.0, leaks=0.2),
    "openrouter": Model(first_token_s=0.9, per_token_s=0.012, input_usd=0.0, output_usd=0.0),
    "claude": Model(first_token_s=1.3, per_token_s=0.014, input_usd=3.0, output_usd=15.0, cached=0.7),
}
INCIDENTS = (
    Incident("ollama", range(60), 0.015, "timeout_first_byte", None, 10.0),
    Incident("ollama", range(20, 32), 1.0, "connect", None, 0.002),
    Incident("openrouter", range(60), 0.02, "upstream_5xx", 502, 0.4),
    Incident("openrouter", range(25, 34), 0.85, "rate_limited", 429, 0.15),
    Incident("claude", range(44, 47), 0.5, "overloaded", 529, 0.3),
)
CHAINS = {
    "coding": ["ollama", "openrouter", "claude"],
    "writing": ["openrouter", "claude"],
    "background": ["ollama", "openrouter"],
}
CATALOG = [
    CatalogEntry(
        name=name,
        kind=kind,
        model=model,
        paid=paid,
        base_url=f"https://{name}.example/v1",
        monthly_budget_usd=budget_usd,
    )
    for name, kind, model, paid, budget_usd in (
        ("ollama", "openai_compat", "qwen2.5-coder:14b", False, None),
        ("openrouter", "openai_compat", "qwen3-coder:free", False, None),
        ("claude", "anthropic", "claude-sonnet-4-6", True, 5.0),
    )
]
