"""What a refusal complains about, and the trait to learn from it: one table.

Each row names public reports of its words. A row never puts a server's words into an event: only numbers, levels of
effort, and names of fields that were in the request.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, cast

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.wordings.adaptation import Adaptation, Value
from coderouter_proxy.providers.wordings.fields import ANY_FIELD, NAMED_FIELDS, SAMPLING
from coderouter_proxy.providers.wordings.limits import LIMITS
from coderouter_proxy.providers.wordings.media import MEDIA
from coderouter_proxy.providers.wordings.messages import MESSAGES
from coderouter_proxy.providers.wordings.thinking import CALLS, EFFORT

ADAPTATIONS_MAX = 3
"""How often one provider is tried again in one request."""

REFUSED_NAMES = (
    "refused_fields",
    "refused_schema_keywords",
)  # traits whose values add up; others are replaced

ADAPTATIONS: Final[tuple[Adaptation, ...]] = (
    *LIMITS,
    *MESSAGES,
    *NAMED_FIELDS,
    *EFFORT,
    *SAMPLING,
    *CALLS,
    *MEDIA,
    *ANY_FIELD,
)
"""In the order in which they are tried: the words of later rows are more general."""
BY_ID = {cast("str", row.id): row for row in ADAPTATIONS}


def recognised(
    error: ProviderError, traits: ProviderTraits, *, last_resort: bool
) -> Iterator[tuple[Adaptation, Value]]:
    """Yield what may help against the refusal and is not in the traits yet, the most likely first.

    Templates fail with 500 in llama.cpp; OpenRouter answers 404 where no provider of a model takes a parameter.
    """
    if not error.about_request and error.status not in (404, 500):
        return
    for row in ADAPTATIONS:
        if row.last_resort and not last_resort:
            continue
        found = row.pattern.search(error.message)
        value = row.value(found, traits) if found is not None else None
        if value is not None and applied(traits, row.trait, value) != traits:
            yield row, value


def applied(traits: ProviderTraits, trait: str, value: Value) -> ProviderTraits:
    """Return the traits with this value; names are added to those that are refused already."""
    if trait in REFUSED_NAMES and isinstance(value, tuple):
        known: tuple[str, ...] = getattr(traits, trait)
        value = (*known, *(name for name in value if name not in known))
    changed: Any = {trait: value}  # of the type that the trait has, by the table
    return replace(traits, **changed)


def shown(value: Value) -> str:
    """Return the value as it is in an event: names separated by commas, words of YAML for the rest."""
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def parsed(trait: str, text: str) -> Value:
    """Return the value that `shown` has formatted."""
    if trait in (*REFUSED_NAMES, "efforts"):
        return tuple(text.split(", ")) if text else ()
    if trait == "max_output_tokens":
        return int(text)
    return text == "true" if text in ("true", "false") else text
