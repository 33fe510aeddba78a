"""A row of the table: the words of one complaint, and the value that its trait then needs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from coderouter_events.closed_sets import AdaptationReason, TraitName
from coderouter_proxy.config.traits import ProviderTraits

Value = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """One complaint: the words that show it, and the value that its trait then needs.

    `value` returns None where the words are about something else. A `last_resort` costs the answer so much that
    other providers are tried before it. What depends on the request, not on the provider, is not `remembered`.
    """

    id: AdaptationReason
    recognised: str
    pattern: re.Pattern[str]
    trait: TraitName
    value: Callable[[re.Match[str], ProviderTraits], Value | None]
    last_resort: bool = False
    remembered: bool = True


def words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE | re.DOTALL)


def always(value: Value) -> Callable[[re.Match[str], ProviderTraits], Value]:
    return lambda _match, _traits: value


ON: Final = always(value=True)
OFF: Final = always(value=False)

QUOTE: Final = "['\"`]?"
_PATH = r"([A-Za-z_][\w.\[\]-]{0,100})"  # bounded: from each letter on, it is tried to its end

UNKNOWN_FIELD: Final = (
    # Mistral (charmbracelet/crush#1590), Anthropic (anthropics/claude-code#14135), Copilot
    rf"{_PATH}: Extra inputs are not permitted",
    rf"#/{_PATH}: Extra inputs",  # Azure AI (microsoft/semantic-kernel#10510)
    rf"Extra inputs are not permitted, field: '{_PATH}'",  # Fireworks (FlowiseAI/Flowise#2866)
    rf"'loc': \('body', '{_PATH}'\), 'msg': 'Extra inputs",  # vLLM (gpustack/gpustack#429)
    # Groq (fanenr/chatbot#21, janhq/jan#8136), Cerebras (Kilo-Org/kilocode#10375, Gitlawb/openclaude#740)
    rf"property '{_PATH}' is unsupported",
    # OpenAI: "Unrecognized request argument supplied: reasoning_effort" (coroot/coroot#698), "Unknown parameter:
    # 'reasoning'" (teabranch/open-responses-server#41), "Unsupported parameter: 'max_tokens'"
    # (anomalyco/opencode#37964)
    rf"(?:unsupported|unknown|unrecognized) (?:request )?(?:parameter|argument)s?(?: supplied)?: {QUOTE}{_PATH}",
    rf"unknown field {QUOTE}{_PATH}{QUOTE}",  # Go: Databricks (databricks/databricks-sdk-py#1263)
    rf"argument not supported on this model: {QUOTE}{_PATH}",  # xAI (charmbracelet/crush#386, n8n-io/n8n#14581)
    # xAI, since Grok 4 (open-webui/open-webui#21266, BerriAI/litellm#16265)
    rf"does not support parameter {QUOTE}{_PATH}",
    # Groq's Qwen (earendil-works/pi#1745); `default` is no level of effort
    rf"{QUOTE}(reasoning_effort){QUOTE} must be one of {QUOTE}none{QUOTE} or {QUOTE}default",
    r'Unknown name "(\w+)"(?! at \'?(?:request\.)?tools)',  # Gemini (SkyrimNet-GamePlugin#77)
)
"""Words about a field that is not known, with its path in a group."""
