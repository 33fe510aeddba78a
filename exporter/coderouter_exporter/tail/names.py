"""The names that rotation gives to an event file, by the tools that make them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from pathlib import Path

from coderouter_events.lock import LOCK_SUFFIX
from coderouter_events.paths import SPILL_SUFFIX
from coderouter_exporter.tail.compression import SUFFIXES

_DAY = r"(?:19|20)\d\d(?P<s{n}>[-_.]?)(?:0[1-9]|1[0-2])(?:(?P=s{n})(?:0[1-9]|[12]\d|3[01]))?"
_TIME = r"[-_.T]?(?:[01]\d|2[0-3])(?:[-_.:]?[0-5]\d){0,2}(?:[-_.,]\d{3,6})?"
_EPOCH = r"[12]\d{9}"


@dataclass(frozen=True)
class NamingRule:
    """A kind of name. `{name}`, `{stem}` and `{suffix}` are those of the event file."""

    tools: str
    pattern: str
    examples: tuple[str, ...]
    """As made from `events.jsonl`."""


def _date(number: int) -> str:
    """Return the pattern of a date with or without a time, or of seconds since 1970; `number` makes it unique."""
    zone = r"(?:Z|[+-]\d{4})?"
    return rf"(?:{_DAY.format(n=number)}(?:{_TIME})?{zone}(?:[-_.]\d{{1,10}})?|{_EPOCH})"


RULES = (
    NamingRule(
        "logrotate, newsyslog, Python's `RotatingFileHandler`, scripts",
        r"{name}[-_.]\d{{1,4}}(?:\.backup)?",
        ("events.jsonl.1", "events.jsonl.0", "events.jsonl-0001"),
    ),
    NamingRule("logrotate with `extension .jsonl`", r"{stem}\.\d{{1,3}}{suffix}", ("events.1.jsonl",)),
    NamingRule(
        "logrotate with `dateext` and any `dateformat` that begins with the year or is `%s`, `newsyslog -t`, "
        "`rotatelogs`, Python's `TimedRotatingFileHandler`",
        r"{name}[-_.]" + _date(1).replace("{", "{{").replace("}", "}}") + r"(?:\.backup)?",
        (
            "events.jsonl-20261123",
            "events.jsonl-2026112319",
            "events.jsonl-20261123-1764000000",
            "events.jsonl.20261123T190000",
            "events.jsonl.1764000000",
            "events.jsonl.2026-11-23_19-00-00",
        ),
    ),
    NamingRule(
        "cronolog, logrotate with `dateext` and `extension .jsonl`",
        r"{stem}[-_.]" + _date(2).replace("{", "{{").replace("}", "}}") + "{suffix}",
        ("events-2026-11-23.jsonl", "events-20261123.jsonl"),
    ),
    NamingRule("a rename by hand", r"{name}\.old|{stem}\.old{suffix}", ("events.jsonl.old",)),
)

_COMPRESSED = "(?:" + "|".join(map(re.escape, SUFFIXES)) + ")"
_ROTATED = re.compile(rf"(?:{_COMPRESSED}|\.\d{{1,4}}|[-_.](?:{_date(1)})|\.old|\.backup)$")
_OURS = re.compile(rf"(?:{re.escape(LOCK_SUFFIX)}|{re.escape(SPILL_SUFFIX)}(?:\.new)?|\.db(?:[-.][a-z]+)?)$")


def is_sibling(name: str, path: Path, rotated_globs: Sequence[str] = ()) -> bool:
    """Return whether rotation of the event file makes this name: by a rule above, or by a glob of the user."""
    return not is_ours(name) and _pattern(path, tuple(rotated_globs)).fullmatch(name) is not None


def is_rotated(name: str) -> bool:
    """Return whether rotation, or one of our programs, made this name, so that it is no event file of its own."""
    return _ROTATED.search(name) is not None or is_ours(name)


def is_ours(name: str) -> bool:
    """Return whether this is a state, lock or spill file of the proxy or the exporter."""
    return _OURS.search(name) is not None


def naming_table() -> str:
    """Return the rules as a table of Markdown."""
    lines = ["| made by | names |", "| --- | --- |"]
    lines += [f"| {rule.tools} | {', '.join(f'`{name}`' for name in rule.examples)} |" for rule in RULES]
    return "\n".join(lines)


@lru_cache(256)
def _pattern(path: Path, rotated_globs: tuple[str, ...]) -> re.Pattern[str]:
    name, stem, suffix = map(re.escape, (path.name, path.stem, path.suffix))
    rules = [rule.pattern.format(name=name, stem=stem, suffix=suffix) for rule in RULES]
    by_rule = f"(?:{'|'.join(rules)}){_COMPRESSED}?"
    named = (glob.replace("{name}", path.name).replace("{stem}", path.stem) for glob in rotated_globs)
    return re.compile("|".join((by_rule, *map(translate, named))))
