"""Cloud providers, found by the environment variable that usually holds their key."""

import os
from dataclasses import dataclass

from coderouter_proxy.config.values import Kind


@dataclass(frozen=True, kw_only=True)
class Cloud:
    variable: str
    name: str
    base_url: str
    model: str
    kind: Kind = "openai_compat"
    paid: bool
    remark: str


# Free ones first, because they are tried in this order. Each model is one that the provider recommends for agents.
CLOUDS = (
    Cloud(
        variable="OPENROUTER_API_KEY",
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        model="openrouter/free",
        paid=False,
        remark="Free: picks a free model that supports what the request requires. Few requests per day without credit.",
    ),
    Cloud(
        variable="GROQ_API_KEY",
        name="groq",
        base_url="https://api.groq.com/openai/v1",
        model="openai/gpt-oss-120b",
        paid=False,
        remark="Free within its limits. Set paid: true if your account is billed.",
    ),
    Cloud(
        variable="GEMINI_API_KEY",
        name="gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        model="gemini-3.8-flash",
        paid=False,
        remark="Free within its limits. Set paid: true if your account is billed.",
    ),
    Cloud(
        variable="DEEPSEEK_API_KEY",
        name="deepseek",
        base_url="https://api.deepseek.com",
        model="deepseek-flash",
        paid=True,
        remark="Paid per token.",
    ),
    Cloud(
        variable="MISTRAL_API_KEY",
        name="mistral",
        base_url="https://api.mistral.ai/v1",
        model="mistral-medium-latest",
        paid=True,
        remark="Paid per token, unless your account has the free plan.",
    ),
    Cloud(
        variable="OPENAI_API_KEY",
        name="openai",
        base_url="https://api.openai.com/v1",
        model="gpt-6.1-terra",
        paid=True,
        remark="Paid per token.",
    ),
    Cloud(
        variable="ANTHROPIC_API_KEY",
        name="anthropic",
        base_url="https://api.anthropic.com",
        model="claude-sonnet-5-5",
        kind="anthropic",
        paid=True,
        remark="Paid per token.",
    ),
)


def with_key() -> list[Cloud]:
    """Return the providers whose variable is set."""
    return [cloud for cloud in CLOUDS if os.environ.get(cloud.variable, "").strip()]
