"""What each provider's model can do: from providers.yaml, else from the rules for models of that name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from coderouter_proxy.config import validation
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.config.traits import ProviderTraits, Traits, resolved
from coderouter_proxy.config.values import Text, known_kind
from coderouter_proxy.request import Body

USER_FILE = Path("~/.coderouter/model-capabilities.yaml")
SHIPPED = "model-capabilities.yaml"


class CapabilityOverrides(BaseModel):
    """What a rule may declare; None leaves it to later rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    thinking: Annotated[bool | None, "It can think before it answers."] = None
    reasoning_passthrough: Annotated[
        bool | None, "Its reasoning stays in answers to clients of Chat Completions."
    ] = None
    tools: Annotated[bool | None, "It can use tools."] = None
    vision: Annotated[bool | None, "It sees images."] = None
    max_context_tokens: Annotated[
        Annotated[int, Field(ge=1)] | None, "Longer requests (estimated) skip its providers."
    ] = None


class CapabilityRule(BaseModel):
    """Models whose name matches the glob have these capabilities."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: Annotated[Text, "Glob of the `model` in providers.yaml: `*`, `?`, `[seq]`; case counts."]
    kind: Annotated[str, known_kind("any"), "Only of providers of this kind."] = "any"
    host: Annotated[Text, "Glob of the host in `base_url`."] = "*"
    capabilities: Annotated[CapabilityOverrides, "What these models can do; see the next table."] = (
        CapabilityOverrides()
    )
    traits: Annotated[Traits, "What providers of these models accept; see `traits` of a provider."] = Traits()


class CapabilityRules(BaseModel):
    """The whole of a model-capabilities.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: list[CapabilityRule] = []


@dataclass(frozen=True)
class ModelCapabilities:
    """What a provider can do; whether it sees images may be unknown."""

    thinking: bool = False
    reasoning_passthrough: bool = False
    tools: bool = True
    vision: bool | None = None
    max_context_tokens: int | None = None


UNKNOWN = ModelCapabilities()
Known = Mapping[str, ModelCapabilities]
Sort = Callable[[Body, list[str], Known], list[str]]
"""Puts providers in order for the outline of a request; those of a group stay in their own order."""
IMAGES = frozenset({"image", "image_url", "input_image"})  # types of parts, on any wire
DOCUMENTS = frozenset({"document", "file", "input_file"})


def load() -> list[CapabilityRule]:
    """Return the user's rules and after them the shipped ones.

    Raises:
        ConfigErrors: with every error of the user's file.
    """
    shipped = files("coderouter_proxy").joinpath(SHIPPED).read_text(encoding="utf-8")
    rules = validation.known_as_valid(shipped, CapabilityRules).rules
    path = USER_FILE.expanduser()
    if not path.is_file():
        return rules
    return [*validation.validated(validation.text_of(path), str(path), CapabilityRules).rules, *rules]


def resolve(provider: Provider, rules: list[CapabilityRule]) -> ModelCapabilities:
    """Return what the provider can do: each flag as the provider declares it, else by the first rule that has it."""
    known = ModelCapabilities()
    own = provider.capabilities
    declared = CapabilityOverrides(
        thinking=own.thinking,
        reasoning_passthrough=own.reasoning_passthrough,
        tools=own.tools,
        vision=own.vision,
        max_context_tokens=own.max_context_tokens,
    )
    fitting = [rule.capabilities for rule in rules if _applies(rule, provider)]
    if not resolved(provider.traits, *(rule.traits for rule in rules if _applies(rule, provider))).images:
        known = replace(known, vision=False)
    for flag in CapabilityOverrides.model_fields:
        values = (getattr(flags, flag) for flags in (declared, *fitting))
        if (value := next((value for value in values if value is not None), None)) is not None:
            known = replace(known, **{flag: value})
    return known


def traits_of(provider: Provider, rules: list[CapabilityRule]) -> ProviderTraits:
    """Return what the provider accepts: each trait as the provider declares it, else by the first rule that has it."""
    return resolved(*(traits for _, traits in declarations(provider, rules)))


def declarations(provider: Provider, rules: list[CapabilityRule]) -> Iterator[tuple[str, Traits]]:
    """Yield every declaration of traits, with its source; for each trait the first one counts."""
    own = provider.traits
    if provider.max_output_tokens is not None:
        own = own.model_copy(update={"max_output_tokens": provider.max_output_tokens})
    yield "providers.yaml", own
    if resolve(provider, rules).vision is False:
        yield "vision: false", Traits(images=False, documents=False)
    for rule in rules:
        if _applies(rule, provider):
            yield f"rule {rule.match} at {rule.host}", rule.traits


def _applies(rule: CapabilityRule, provider: Provider) -> bool:
    host = urlsplit(provider.base_url).hostname or ""
    return (
        rule.kind in ("any", provider.kind)
        and fnmatchcase(provider.model, rule.match)
        and fnmatchcase(host, rule.host)
    )


def wants_thinking(body: Body) -> bool:
    thinking = body.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") not in (None, "disabled")


def kinds_of_parts(body: Body) -> set[str]:
    """Return the type of every part of the messages, also of those in tool results."""
    return set(_kinds(body.get("messages")))


def _kinds(value: Any) -> Iterator[str]:  # noqa: ANN401 - of a client
    for each in value if isinstance(value, list) else []:
        if isinstance(each, dict):
            if isinstance(kind := each.get("type"), str):
                yield kind
            yield from _kinds(each.get("content"))


def _by_tools(outline: Body, names: list[str], known: Known) -> list[str]:
    if not outline.get("tools"):
        return names
    return sorted(names, key=lambda name: not known.get(name, UNKNOWN).tools)


def _by_thinking(outline: Body, names: list[str], known: Known) -> list[str]:
    if not wants_thinking(outline):
        return names
    return sorted(names, key=lambda name: not known.get(name, UNKNOWN).thinking)


def _by_vision(outline: Body, names: list[str], known: Known) -> list[str]:
    blind = {name for name in names if known.get(name, UNKNOWN).vision is False}
    if not blind or kinds_of_parts(outline).isdisjoint(IMAGES | DOCUMENTS):
        return names
    return sorted(names, key=lambda name: name in blind)


NEEDS: tuple[tuple[str, Sort], ...] = (
    ("its model cannot use tools", _by_tools),
    ("its model does not think", _by_thinking),
    ("its model sees no images or documents", _by_vision),
)
"""Why a provider is tried later, and what moves it behind those that can do what the request needs."""
