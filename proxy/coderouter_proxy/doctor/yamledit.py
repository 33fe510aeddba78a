"""Change fields of a provider in the text of a providers.yaml, and nothing else of it.

ruamel.yaml keeps comments and order, but indents, folds and spaces in its own way. So the text is dumped before and
after the change, and only the lines in which the two differ are carried over into the original.
"""

import copy
import io
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from coderouter_proxy import configfile
from coderouter_proxy.config import Config
from coderouter_proxy.doctor import patching
from coderouter_proxy.doctor.patching import Patch
from coderouter_proxy.yamlfile import ConfigFaults

LINE_CHARS_MAX = 1_000_000  # beyond this ruamel.yaml folds


class CannotPatch(Exception):
    """The file cannot be changed like this; the message says why and what to do."""


def patched(text: str, provider: str, patch: Patch) -> str:
    """Return the text of a valid providers.yaml with the patch laid over the fields of a provider that it has.

    Raises:
        CannotPatch: other providers would change with it, or it is too unusual a YAML.
    """
    lines = text.split("\n")
    by_hand = "put these fields in by hand"
    try:
        before, after = _dumps([line.removesuffix("\r") for line in lines], provider, patch)
    except YAMLError as error:
        raise CannotPatch(f"ruamel.yaml does not read the file ({error}); {by_hand}") from None
    end = "\r" if lines[0].endswith("\r") else ""
    wanted = _expected(text, provider, patch)
    for candidate in (_carried_over(before, lines, after, end), _ended(after, end)):
        changed = "\n".join(candidate)
        if _parsed(changed) == wanted:
            return changed
    raise CannotPatch(f"what {provider!r} says is shared with others by a YAML anchor; {by_hand}")


def _expected(text: str, provider: str, patch: Patch) -> Config:
    data = yaml.safe_load(text)
    entries = data["providers"]
    data["providers"] = [
        patching.merged(entry, patch) if entry["name"] == provider else entry for entry in entries
    ]
    return Config.model_validate(data)


def _parsed(text: str) -> Config | None:
    try:
        return configfile.parse(text, "")
    except ConfigFaults:
        return None


def _dumps(lines: list[str], provider: str, patch: Patch) -> tuple[list[str], list[str]]:
    """Return the lines that ruamel.yaml makes of the file as it is, and with the patch."""
    text = "\n".join(lines)
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = LINE_CHARS_MAX
    data = writer.load(text)
    _indent_as(writer, data["providers"])
    before = _dumped(writer, data)
    entry = next(entry for entry in data["providers"] if entry["name"] == provider)
    _lay_over(entry, patch)
    return before, _dumped(writer, data)


def _dumped(writer: YAML, data: CommentedMap) -> list[str]:
    stream = io.StringIO()
    writer.dump(data, stream)
    return stream.getvalue().split("\n")


def _indent_as(writer: YAML, providers: CommentedSeq) -> None:
    """Take over how far the file indents its providers and what is nested in them."""
    nested = 2
    for entry in providers:
        for key, value in entry.items():
            own = isinstance(value, CommentedMap) and key in entry.lc.data and not value.fa.flow_style()
            if own and value and value.lc.key(next(iter(value)))[0] > entry.lc.key(key)[0]:
                nested = value.lc.key(next(iter(value)))[1] - entry.lc.key(key)[1]
    dash = 0 if providers.fa.flow_style() else providers.lc.col
    block = next((entry for entry in providers if not entry.fa.flow_style()), None)
    content = dash + 2 if block is None else block.lc.key(next(iter(block)))[1]
    writer.indent(mapping=nested, sequence=content, offset=dash)


def _lay_over(entry: CommentedMap, patch: Patch) -> None:
    """Change the entry; what it shares with others by an anchor becomes its own."""
    for key, value in patch.items():
        under = entry.get(key)
        if not (isinstance(value, Mapping) and isinstance(under, CommentedMap)):
            entry[key] = _node(value)
        elif key not in entry.lc.data or _stands_elsewhere(under, entry.lc.key(key)[0]):
            entry[key] = _node(patching.merged(_plain(under), value))
        else:
            if under.anchor.value is not None:
                entry[key] = under = copy.deepcopy(under)  # with its comments
                under.anchor.value = None
            _lay_over(under, value)


def _stands_elsewhere(shared: CommentedMap, line: int) -> bool:
    return bool(shared) and shared.lc.key(next(iter(shared)))[0] < line


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _node(value: Any) -> Any:  # noqa: ANN401
    """Return what ruamel.yaml writes in one line, where nothing is nested in it."""
    node: CommentedMap | CommentedSeq
    if isinstance(value, Mapping):
        node = CommentedMap((key, _node(inner)) for key, inner in value.items())
        inner_values = list(value.values())
    elif isinstance(value, list):
        node = CommentedSeq(map(_node, value))
        inner_values = value
    else:
        return value
    if not any(isinstance(inner, (Mapping, list)) for inner in inner_values):
        node.fa.set_flow_style()
    return node


def _carried_over(
    before: Sequence[str], original: Sequence[str], after: Sequence[str], end: str
) -> list[str]:
    """Return the original with what changed from before to after; where both changed, after wins."""
    in_original = _same(before, [line.removesuffix("\r") for line in original])
    in_after = _same(before, after)
    result: list[str] = []
    b = o = a = 0
    for same in [*sorted(in_original.keys() & in_after.keys()), len(before)]:
        to_o, to_a = in_original.get(same, len(original)), in_after.get(same, len(after))
        if after[a:to_a] == before[b:same]:
            result += original[o:to_o]
        else:
            _put(result, _ended(after[a:to_a], end), inserted=b == same)
        result += original[to_o : to_o + 1]
        b, o, a = same + 1, to_o + 1, to_a + 1
    return result


def _same(before: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Return which line of the other each line is, for those that are the same."""
    matcher = SequenceMatcher(None, before, other, autojunk=False)
    return {
        block.a + offset: block.b + offset
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }


def _put(result: list[str], lines: list[str], *, inserted: bool) -> None:
    """Add the lines; before comments and blank lines at the end of the result, which belong to what follows."""
    at = len(result)
    while inserted and at and (not result[at - 1].strip() or result[at - 1].lstrip().startswith("#")):
        at -= 1
    result[at:at] = lines


def _ended(lines: Sequence[str], end: str) -> list[str]:
    return [line + end if line else line for line in lines]
