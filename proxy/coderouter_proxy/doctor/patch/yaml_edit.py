"""Change fields of a provider in the text of a providers.yaml, and nothing else of it.

ruamel.yaml keeps comments and order, but indents, folds and spaces in its own way. So the text is dumped before and
after the change, and only the lines in which the two differ are carried over into the original.
"""

import copy
import io
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from coderouter_proxy.config import load
from coderouter_proxy.config.schema import Config
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.doctor.patch import line_merge
from coderouter_proxy.doctor.patch import patch as patching
from coderouter_proxy.doctor.patch.patch import Patch

LINE_CHARS_MAX = 1_000_000  # beyond this ruamel.yaml folds


class CannotPatch(Exception):
    """The file cannot be changed like this; the message says why and what to do."""


def patched(text: str, provider: str, patch: Patch) -> str:
    """Return the text of a valid providers.yaml with the patch laid over the fields of a provider that it has.

    Raises:
        CannotPatch: other providers would change with it, or it is too unusual a YAML.
    """
    data = yaml.safe_load(text)
    at = next(index for index, entry in enumerate(data["providers"]) if entry["name"] == provider)
    lines = text.split("\n")
    by_hand = "put these fields in by hand"
    try:
        before, after = _dumps([line.removesuffix("\r") for line in lines], at, patch)
    except YAMLError as error:
        raise CannotPatch(f"ruamel.yaml does not read the file ({error}); {by_hand}") from None
    end = "\r" if lines[0].endswith("\r") else ""
    data["providers"][at] = patching.merged(data["providers"][at], patch)
    wanted = Config.model_validate(data)
    # What looks like a comment may be the end of a text.
    for has_content in (line_merge.is_no_comment, line_merge.is_not_blank):
        changed = "\n".join(line_merge.carried_over(before, lines, after, end, has_content))
        if _parsed(changed) == wanted and _comments(changed) >= _comments(text):
            return changed
    raise CannotPatch(
        f"{provider!r} cannot be changed alone: others take over its fields by a YAML anchor, comments stand inside "
        f"of brackets, or the YAML is unusual; {by_hand}"
    )


def _parsed(text: str) -> Config | None:
    try:
        return load.parse(text, "")
    except ConfigErrors:
        return None


def _comments(text: str) -> Counter[str]:
    """Return the comments: what begins with # between two tokens."""
    found: Counter[str] = Counter()
    end = 0
    for token in yaml.scan(text):
        found.update(re.findall(r"#[^\r\n]*", text[end : token.start_mark.index]))
        end = token.end_mark.index
    return found


def _dumps(lines: list[str], at: int, patch: Patch) -> tuple[list[str], list[str]]:
    """Return the lines that ruamel.yaml makes of the file as it is, and with a patch for the provider at an index."""
    text = "\n".join(lines)
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = LINE_CHARS_MAX
    data = writer.load(text)
    _indent_as(writer, data["providers"])
    before = _dumped(writer, data)
    _lay_over(data["providers"][at], patch)
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
        if isinstance(under, CommentedSeq) and _is_longer(value, under):
            under.extend(value[len(under) :])
        elif not (isinstance(value, Mapping) and isinstance(under, CommentedMap)):
            entry[key] = _node(value)
        elif key not in entry.lc.data or _stands_elsewhere(under, entry.lc.key(key)[0]):
            entry[key] = _node(patching.merged(_plain(under), value))
        else:
            if under.anchor.value is not None:
                entry[key] = under = copy.deepcopy(under)  # with its comments
                under.anchor.value = None
            _lay_over(under, value)


def _is_longer(value: object, own: CommentedSeq) -> bool:
    shared = own.anchor.value is not None
    return isinstance(value, list) and value[: len(own)] == list(own) and bool(own) and not shared


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
