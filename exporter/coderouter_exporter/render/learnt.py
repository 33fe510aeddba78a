"""What the proxy learnt about its providers, as the line that makes it permanent in providers.yaml."""

import re
from collections.abc import Iterable

import orjson

from coderouter_exporter.state.reported import Learnt

_ADDED_UP = frozenset(("refused_fields", "refused_schema_keywords"))
"""Traits whose names add up; of the others the newest value counts."""
_LISTS = _ADDED_UP | {"efforts"}
_PLAIN = re.compile(r"[A-Za-z_$][\w$.-]*", re.ASCII)
_SCALAR = re.compile(r"true|false|[0-9]+")
_NOT_TEXT = frozenset(("true", "false", "yes", "no", "on", "off", "y", "n", "null"))
"""Words that are no text in YAML 1.1."""


def as_json(learnt: Iterable[Learnt]) -> list[dict[str, object]]:
    """Return for each provider what it complained about, and the `traits` that avoid it, as a line of YAML."""
    traits: dict[str, dict[str, str]] = {}
    reasons: dict[str, list[str]] = {}
    for each in learnt:
        known = traits.setdefault(each.provider, {})
        value = f"{known[each.trait]}, {each.value}" if each.trait in _ADDED_UP & known.keys() else each.value
        known[each.trait] = value
        reasons.setdefault(each.provider, []).append(each.reason)
    return [
        {"provider": name, "reasons": list(dict.fromkeys(reasons[name])), "line": _line(known)}
        for name, known in sorted(traits.items())
    ]


def _line(traits: dict[str, str]) -> str:
    pairs = (f"{trait}: {_value(trait, value)}" for trait, value in sorted(traits.items()))
    return f"traits: {{{', '.join(pairs)}}}"


def _value(trait: str, value: str) -> str:
    if trait in _LISTS:
        names = dict.fromkeys(value.split(", ")) if value else ()
        return f"[{', '.join(map(_text, names))}]"
    return value if _SCALAR.fullmatch(value) else _text(value)


def _text(text: str) -> str:
    """Return the text in quotes, which YAML reads as JSON does, unless it is a plain word."""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT
    return text if is_plain else orjson.dumps(text.encode(errors="replace").decode()).decode()
