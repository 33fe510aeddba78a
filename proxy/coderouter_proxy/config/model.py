"""Schema of what a provider's model can do, and of what it costs."""

from datetime import date
from typing import Annotated

from pydantic import Field

from coderouter_proxy.config.section import Section
from coderouter_proxy.config.values import Dollars


class Capabilities(Section):
    """What a provider's model can do; an omitted field is looked up by the model's name."""

    thinking: Annotated[
        bool | None,
        "Whether it supports thinking; if not, it is tried later for requests with `thinking` and gets them without.",
    ] = None
    reasoning_passthrough: Annotated[
        bool | None, "Keep `reasoning` and `reasoning_content` in answers to clients of Chat Completions."
    ] = None
    tools: Annotated[
        bool | None,
        "Whether it can use tools; if not, it is tried later for requests with tools. True unless known otherwise.",
    ] = None
    vision: Annotated[
        bool | None,
        "Whether it sees images; if not, it is tried last for requests with images or documents, and gets a"
        " placeholder text for each.",
    ] = None
    max_context_tokens: Annotated[
        Annotated[int, Field(ge=1)] | None,
        "Longer requests (estimated) skip it. When omitted, as reported by its server, if that is llama.cpp, vLLM or"
        " Ollama on this machine or network.",
    ] = None


class Cost(Section):
    """Prices in US dollars per million tokens, and a monthly budget (UTC)."""

    input_per_mtok: Annotated[
        Dollars | None, "Prompt tokens, excluding cached ones; when omitted, the cost of answers is unknown."
    ] = None
    output_per_mtok: Annotated[
        Dollars | None, "Completion tokens; when omitted, the cost of answers is unknown."
    ] = None
    cache_read_per_mtok: Annotated[
        Dollars | None, "Prompt tokens read from the cache; a tenth of the input price when omitted."
    ] = None
    cache_write_per_mtok: Annotated[
        Dollars | None, "Prompt tokens written to the cache; 1.25 times the input price when omitted."
    ] = None
    monthly_budget_usd: Annotated[
        Dollars | None,
        "Once this much is spent in a month (UTC), the provider is skipped until the month ends.",
    ] = None
    as_of: Annotated[
        date | None, "Day of these prices; `check-config` warns when they are older than 180 days."
    ] = None
