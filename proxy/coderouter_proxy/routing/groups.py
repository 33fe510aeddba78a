"""The chain of a profile, prepared: its names, and which of them are equal."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

from coderouter_proxy.config.chains import weighted
from coderouter_proxy.config.schema import Config, Profile
from coderouter_proxy.routing.loads import Loads

_DIGEST_BYTES = 12
_NAME_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Group:
    """Equal providers, from a place of the chain on, with their weights."""

    start: int
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Chain:
    """`links` has the number of the link that a name is in, and `groups` has those that are groups by their numbers.

    `digest` changes with the chain or its providers, `digests` are those of the names, and `by_digest` has the names of
    these. Those that `may_be_tried` are configured and may cost what they do, budgets aside.
    `paid` are those that cost something.
    """

    names: list[str]
    links: Mapping[str, int]
    groups: Mapping[int, Group]
    digest: bytes
    digests: Mapping[str, bytes]
    by_digest: Mapping[bytes, str]
    may_be_tried: frozenset[str]
    paid: frozenset[str]

    @classmethod
    def of(cls, profile: Profile, config: Config) -> Self:
        names, links, groups = list[str](), dict[str, int](), dict[int, Group]()
        for number, link in enumerate(profile.providers):
            weights = dict(weighted(link))
            if len(weights) > 1:
                groups[number] = Group(len(names), weights)
            names += weights
            links = {**dict.fromkeys(weights, number), **links}
        known = [config.provider(name) for name in names]
        said = [(each.name, each.kind, each.base_url, each.model) if each else None for each in known]
        described = repr((profile.name, profile.providers, said))
        digests = {name: _digest(name, _NAME_DIGEST_BYTES) for name in names}
        return cls(
            names=names,
            links=links,
            groups=groups,
            digest=_digest(described, _DIGEST_BYTES),
            digests=digests,
            by_digest={digest: name for name, digest in digests.items()},
            paid=frozenset(each.name for each in known if each and each.paid),
            may_be_tried=frozenset(
                each.name for each in known if each and (config.allow_paid or not each.paid)
            ),
        )

    def by_load(self, loads: Loads) -> list[str]:
        """Return the names with the least busy of each group first."""
        if not self.groups:
            return self.names
        names = self.names.copy()
        for group in self.groups.values():
            names[group.start : group.start + len(group.weights)] = loads.in_order(group.weights)
        return names

    def equals(self, name: str) -> list[str]:
        """Return the others of the group that the name is in."""
        group = self.groups.get(self.links.get(name, -1))
        return [] if group is None else [other for other in group.weights if other != name]


def _digest(text: str, size: int) -> bytes:
    return blake2b(text.encode(errors="replace"), digest_size=size).digest()
