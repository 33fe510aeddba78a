"""Models by name: what clients may name as `model` to choose a profile or a provider, and `model_map`."""

import fnmatch
import re
from functools import lru_cache

from coderouter_proxy.config.schema import Config, Profile

CLAUDE = "claude-"
MODEL_CHARS_MAX = 1000  # of a client's; what a longer name ends with is not compared
MAPPED_MAX = 256
"""Names for which it is remembered what they map to."""

# Claude Code shows only models with one of these names in its picker (seen in 2.1.332).
_SHOWN_BY_CLAUDE_CODE = re.compile("claude|anthropic", re.IGNORECASE)


class Models:
    """The names of one configuration. A profile comes before a provider of its name; that has a chain of its own.

    `profiles` are those of the configuration, by name.
    """

    def __init__(self, config: Config) -> None:
        self.profiles = profiles = {profile.name: profile for profile in config.profiles}
        alone = {each.name: Profile(name=each.name, providers=[each.name]) for each in config.providers}
        self._listed = {**alone, **profiles}
        aliases = {
            f"{CLAUDE}{name}": profile
            for name, profile in profiles.items()
            if not _SHOWN_BY_CLAUDE_CODE.search(name)
        }
        self._aliases = [name for name in aliases if name not in self._listed]
        self._named = {**aliases, **self._listed}
        self._patterns = [
            (pattern, re.compile(fnmatch.translate(pattern)), profile)
            for pattern, profile in config.model_map.items()
        ]
        self._order = list(dict.fromkeys([*profiles, *alone]))
        self._first_match = lru_cache(MAPPED_MAX)(self._matched)

    def names(self, *, aliases: bool = False) -> list[str]:
        """Return what can be named: profiles, then providers; with `aliases`, also each `claude-<profile>`."""
        return [*self._order, *(self._aliases if aliases else ())]

    def named(self, model: object) -> Profile | None:
        """Return the profile that the model names, or the chain of the provider that it names."""
        return self._named.get(model) if isinstance(model, str) else None

    def mapped(self, model: object) -> tuple[str, str] | None:
        """Return the first pattern of `model_map` that matches the model, and its profile."""
        if not self._patterns or not isinstance(model, str):
            return None
        return self._first_match(model[:MODEL_CHARS_MAX])

    def _matched(self, model: str) -> tuple[str, str] | None:
        for pattern, regex, profile in self._patterns:
            if regex.match(model):
                return pattern, profile
        return None
