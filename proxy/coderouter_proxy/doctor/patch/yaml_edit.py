"""Change fields of a provider in the text of a providers.yaml and leave the rest of the text unchanged.

ruamel.yaml keeps comments and order, but has its own indentation, folding and spacing. So the text is dumped before
and after the change, and only the lines that differ between the two dumps are merged into the original.
"""

import copy
import io
from collections.abc import Mapping
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from coderouter_proxy.config import load
from coderouter_proxy.config.coderouter2.migrate import comments
from coderouter_proxy.config.schema import Config
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.doctor.patch import line_merge
from coderouter_proxy.doctor.patch.patch import Patch, merge

LINE_CHARS_MAX = 1_000_000  # beyond this ruamel.yaml folds


class PatchError(Exception):
    """The file cannot be patched; the message says why and what to do."""


def apply_patch(text: str, provider: str, patch: Patch) -> str:
    """Return the text of a valid providers.yaml with the patch merged into the fields of one of its providers.

    Raises:
        PatchError: other providers would change too, or the YAML is too unusual.
    """
    data = yaml.safe_load(text)
    at = next(index for index, entry in enumerate(data["providers"]) if entry["name"] == provider)
    lines = text.split("\n")
    by_hand = "edit these fields by hand"
    try:
        before, after = _dump_both([line.removesuffix("\r") for line in lines], at, patch)
    except YAMLError as error:
        raise PatchError(f"ruamel.yaml cannot read the file ({error}); {by_hand}") from None
    end = "\r" if lines[0].endswith("\r") else ""
    data["providers"][at] = merge(data["providers"][at], patch)
    wanted = _parse(yaml.safe_dump(data))
    # What looks like a comment may be a line of a multi-line string.
    for has_content in (line_merge.is_not_comment, line_merge.is_not_blank):
        changed = "\n".join(line_merge.merge_lines(before, lines, after, end, has_content))
        if _parse(changed) == wanted and comments(changed) >= comments(text):
            return changed
    raise PatchError(
        f"{provider!r} cannot be patched on its own: other providers inherit its fields through a YAML anchor, "
        f"there are comments inside brackets, or the YAML is unusual; {by_hand}"
    )


def _parse(text: str) -> Config | None:
    try:
        return load.parse(text, "")
    except ConfigErrors:
        return None


def _dump_both(lines: list[str], at: int, patch: Patch) -> tuple[list[str], list[str]]:
    """Return the lines that ruamel.yaml dumps without and with the patch for the provider at an index."""
    text = "\n".join(lines)
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = LINE_CHARS_MAX
    data = writer.load(text)
    _copy_indentation(writer, data["providers"])
    before = _dump(writer, data)
    _merge_into(data["providers"][at], patch)
    return before, _dump(writer, data)


def _dump(writer: YAML, data: CommentedMap) -> list[str]:
    stream = io.StringIO()
    writer.dump(data, stream)
    return stream.getvalue().split("\n")


def _copy_indentation(writer: YAML, providers: CommentedSeq) -> None:
    """Make the writer indent providers and what is nested in them as the file does."""
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


def _merge_into(entry: CommentedMap, patch: Patch) -> None:
    """Change the entry; what it shares with others through an anchor becomes its own."""
    for key, value in patch.items():
        under = entry.get(key)
        if isinstance(under, CommentedSeq) and _is_longer(value, under):
            under.extend(value[len(under) :])
        elif not (isinstance(value, Mapping) and isinstance(under, CommentedMap)):
            entry[key] = _node(value)
        elif key not in entry.lc.data or _is_defined_elsewhere(under, entry.lc.key(key)[0]):
            entry[key] = _node(merge(_plain(under), value))
        else:
            if under.anchor.value is not None:
                entry[key] = under = copy.deepcopy(under)  # with its comments
                under.anchor.value = None
            _merge_into(under, value)


def _is_longer(value: object, own: CommentedSeq) -> bool:
    shared = own.anchor.value is not None
    return isinstance(value, list) and value[: len(own)] == list(own) and bool(own) and not shared


def _is_defined_elsewhere(shared: CommentedMap, line: int) -> bool:
    return bool(shared) and shared.lc.key(next(iter(shared)))[0] < line


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _node(value: Any) -> Any:  # noqa: ANN401
    """Return the value as a ruamel.yaml node, which is written in one line if nothing is nested in it."""
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
