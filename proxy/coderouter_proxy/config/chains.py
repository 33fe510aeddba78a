"""Schema of a chain in providers.yaml: providers in order, groups of equal ones, and how long conversations stay."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag

from coderouter_proxy.config.section import Section
from coderouter_proxy.config.values import Name
from coderouter_proxy.redact import name_shown

STAY_MINUTES_MAX = 60


class Member(Section):
    """A member of a group that gets more or fewer requests than the others."""

    name: Annotated[Name, "The provider."]
    weight: Annotated[
        float,
        Field(gt=0, le=1000),
        "Its share of the requests, relative to the others; theirs is 1 if omitted.",
    ] = 1.0


class Affinity(Section):
    """How long a conversation stays with the provider that answers it after others have failed."""

    minutes: Annotated[
        float,
        Field(ge=0, le=STAY_MINUTES_MAX),
        f"Minutes since the last answer of the conversation, at most {STAY_MINUTES_MAX} since it moved; `0` turns it"
        " off.",
    ] = 10.0


def _kind_of_link(value: object) -> str:
    return "group" if isinstance(value, list) else "provider"


def _kind_of_member(value: object) -> str:
    return "weighted" if isinstance(value, (dict, Member)) else "provider"


def _different(group: list[str | Member]) -> list[str | Member]:
    names = [name for name, _ in weighted(group)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"has {name_shown(name)!r} twice; remove one of them")
    return group


_Named = Annotated[Name, Tag("provider")]
_Equal = Annotated[_Named | Annotated[Member, Tag("weighted")], Discriminator(_kind_of_member)]
_Group = Annotated[list[_Equal], Field(min_length=1), AfterValidator(_different), Tag("group")]
Link = Annotated[_Named | _Group, Discriminator(_kind_of_link)]
"""A provider of a chain, or a group of equal ones."""


def weighted(link: str | Sequence[str | Member]) -> Iterator[tuple[str, float]]:
    """Yield the name and the weight of each provider of the link."""
    for each in [link] if isinstance(link, str) else link:
        yield (each, 1.0) if isinstance(each, str) else (each.name, each.weight)


def flat(links: Sequence[str | Sequence[str | Member]]) -> list[str]:
    """Return the names of all providers of the chain, in its order."""
    return [name for link in links for name, _ in weighted(link)]
