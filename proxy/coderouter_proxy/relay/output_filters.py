"""Strip markup that models leak into their answers: thinking in tags, markers of the prompt format."""

from collections.abc import Sequence
from typing import Protocol

from coderouter_proxy.config.schema import OutputFilter

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
STOP_MARKERS = ("<|turn|>", "<|end|>", "<|python_tag|>", "<|im_end|>", "<|eot_id|>", "<|channel>thought")


class Filter(Protocol):
    """Changes a text that arrives in pieces; where it is split does not affect the result."""

    changed: bool

    def feed(self, text: str) -> str:
        """Return the part of the result that is certain by now."""
        ...

    def end(self) -> str:
        """Return what was held back; the next piece starts a new text."""
        ...


class StripThinking:
    """Removes `<think>…</think>`, and everything after a `<think>` that is never closed."""

    def __init__(self) -> None:
        self.changed = False
        self._inside = False
        self._held = ""

    def feed(self, text: str) -> str:
        kept: list[str] = []
        self._held += text
        while True:
            tag = THINK_CLOSE if self._inside else THINK_OPEN
            before, found, after = self._held.partition(tag)
            if not found:
                break
            if not self._inside:
                kept.append(before)
            self.changed = True
            self._inside = not self._inside
            self._held = after
        safe = len(self._held) - _held_back(self._held, (tag,))
        if not self._inside:
            kept.append(self._held[:safe])
        self._held = self._held[safe:]
        return "".join(kept)

    def end(self) -> str:
        rest = "" if self._inside else self._held
        self._held, self._inside = "", False
        return rest


class StripStopMarkers:
    """Removes all `STOP_MARKERS`."""

    def __init__(self) -> None:
        self.changed = False
        self._held = ""

    def feed(self, text: str) -> str:
        kept: list[str] = []
        held = self._held + text
        while (
            found := min(((at, m) for m in STOP_MARKERS if (at := held.find(m)) >= 0), default=None)
        ) is not None:
            at, marker = found
            kept.append(held[:at])
            held = held[at + len(marker) :]
            self.changed = True
        safe = len(held) - _held_back(held, STOP_MARKERS)
        kept.append(held[:safe])
        self._held = held[safe:]
        return "".join(kept)

    def end(self) -> str:
        rest, self._held = self._held, ""
        return rest


def _held_back(text: str, tags: Sequence[str]) -> int:
    """Return how many characters at the end may be the beginning of a tag; all tags begin with `<`."""
    at = text.find("<", max(0, len(text) - max(map(len, tags)) + 1))
    while at >= 0:
        if any(tag.startswith(text[at:]) for tag in tags):
            return len(text) - at
        at = text.find("<", at + 1)
    return 0


FILTERS: dict[OutputFilter, type[StripThinking] | type[StripStopMarkers]] = {
    "strip_thinking": StripThinking,
    "strip_stop_markers": StripStopMarkers,
}


class Filters:
    """Filters in their declared order, each applied to the output of the previous one."""

    def __init__(self, names: Sequence[OutputFilter]) -> None:
        self._filters = [(name, FILTERS[name]()) for name in names]

    @property
    def applied(self) -> list[str]:
        """Names of the filters that changed something."""
        return [name for name, each in self._filters if each.changed]

    def feed(self, text: str) -> str:
        for _, each in self._filters:
            text = each.feed(text)
        return text

    def end(self) -> str:
        text = ""
        for _, each in self._filters:
            text = each.feed(text) + each.end()
        return text
