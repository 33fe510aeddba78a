"""Make the edits of a plan in the text of the file: what they do not touch stays as it is, with its comments.

Places are those of the YAML nodes. A key that is left out is removed with its lines; one that has a comment becomes a
comment itself, so that the comment keeps its meaning.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from coderouter_proxy.config.coderouter2.plan import Edit, Location

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_COMMENT = re.compile(r"(^|\s)#")
_COMMENTS = re.compile(r"(?<=[\s])#[^\r\n]*")
_COMMENTS_BETWEEN = re.compile(r"[ \t]+#[^\r\n]*\r?\n[ \t]*")


class CannotEdit(Exception):
    """An edit has no place of its own in the text."""


class _Entry(NamedTuple):
    """A key with its value, or an entry of a list, which has no key."""

    parent: yaml.CollectionNode
    number: int
    key: yaml.Node
    value: yaml.Node


class _Change(NamedTuple):
    """The text between two places becomes another."""

    start: int
    end: int
    text: str


def edited(text: str, root: yaml.Node, data: Mapping[str, Any], edits: Sequence[Edit]) -> str:
    """Return the text after the edits; `root` and `data` are the nodes and values of it.

    Raises:
        CannotEdit
    """
    page = _Page(text, root, data, edits)
    for edit in edits:
        page.make(edit)
    return page.result()


class _Page:
    """A text with changes that are yet to be made."""

    def __init__(self, text: str, root: yaml.Node, data: Mapping[str, Any], edits: Sequence[Edit]) -> None:
        self._text = text
        self._root = root
        self._data = data
        self._edited = {edit.location for edit in edits if edit.location}
        self._removed = {edit.location for edit in edits if edit.location and not self._stays(edit)}
        self._starts = [0, *(found.end() for found in _LINE_BREAK.finditer(text)), len(text) + 1]
        found = _LINE_BREAK.search(text)
        self._break = found[0] if found else "\n"
        self._changes: dict[_Change, None] = {}

    def result(self) -> str:
        """Return the text with all changes; what is removed twice is removed once."""
        pieces: list[str] = []
        at = 0
        for change in sorted(self._changes, key=lambda change: (change.start, change.end)):
            pieces += (self._text[at : change.start], change.text)
            at = max(at, change.end)
        return "".join([*pieces, self._text[at:]])

    def make(self, edit: Edit) -> None:
        entry = self._entry(edit.location) if edit.location else None
        if edit.target is None:
            if entry is not None:
                assert edit.location is not None
                self._remove(entry, edit.location[:-1], keep=edit.location[0] == "providers")
            return
        section, names = self._section(edit.target)
        shown = _in_yaml(_nested(names[1:], edit.value))
        if entry is None or entry.parent is not section:
            if entry is not None and edit.location is not None:
                self._remove(entry, edit.location[:-1])
            self._insert(section, edit.target[: -len(names)], f"{names[0]}: {shown}")
        elif len(names) == 1 and _is(_value(self._data, edit.location), edit.value):
            self._replace(entry.key.start_mark.index, entry.key.end_mark.index, names[0])
        elif _is_alias(entry):
            raise CannotEdit(f"{edit.location[-1] if edit.location else names[0]} is a YAML alias")
        else:
            self._replace_entry(entry, f"{names[0]}: {shown}")

    def _stays(self, edit: Edit) -> bool:
        """Return whether what is left out is replaced where it is: its target is in no other mapping of the file."""
        parent = (edit.location or ())[:-1]
        if edit.target is None or edit.target[: len(parent)] != parent:
            return False
        inner = edit.target[: len(parent) + 1]
        return inner in self._edited or not isinstance(_value(self._data, inner), Mapping)

    def _entry(self, location: Location) -> _Entry:
        node, found = self._root, None
        for key in location:
            found = _find(node, key)
            if found is None:
                raise CannotEdit(f"{key} is from a YAML alias")
            node = found.value
        assert found is not None
        return found

    def _section(self, target: Location) -> tuple[yaml.CollectionNode, list[str]]:
        """Return the mapping that the target goes into, and the names that are not in it yet."""
        node = self._root
        assert isinstance(node, yaml.CollectionNode)
        for depth, key in enumerate(target[:-1]):
            found = _find(node, key)
            is_left = target[: depth + 1] not in self._edited
            if found is None or not isinstance(found.value, yaml.CollectionNode) or not is_left:
                return node, [str(name) for name in target[depth:]]
            node = found.value
        return node, [str(target[-1])]

    def _replace(self, start: int, end: int, text: str) -> None:
        self._changes[_Change(start, end, text)] = None

    def _insert(self, section: yaml.CollectionNode, location: Location, text: str) -> None:
        """Add the key as the last one of the mapping at the location."""
        last = _entry_at(section, max(self._staying(section, location), default=-1))
        if last is None or _is_alias(last):
            raise CannotEdit("a mapping is empty or an alias")
        if section.flow_style:
            end = last.value.end_mark.index
            self._replace(end, end, f", {text}")
            return
        indent = " " * last.key.start_mark.column
        at = self._starts[self._last_line(last) + 1]
        if at > len(self._text):  # there is no line break at the end
            self._replace(len(self._text), len(self._text), f"{self._break}{indent}{text}")
        else:
            self._replace(at, at, f"{indent}{text}{self._break}")

    def _replace_entry(self, entry: _Entry, text: str) -> None:
        """Replace a key with its value; comments between them go before it."""
        start, end = entry.key.start_mark.index, entry.value.end_mark.index
        last = self._last_line(entry)
        if last > entry.key.start_mark.line and not entry.parent.flow_style:
            indent = " " * entry.key.start_mark.column
            end = self._end_of(last)
            found = _COMMENTS.findall(self._text[start:end])
            text = "".join(f"{comment}{self._break}{indent}" for comment in found) + text
        self._replace(start, end, text)

    def _remove(self, entry: _Entry, location: Location, *, keep: bool = False) -> None:
        """Remove the lines of a key or an entry; make them a comment if they have one, or on `keep`."""
        if entry.parent.flow_style:
            self._remove_between(entry, location)
            return
        is_item = isinstance(entry.parent, yaml.SequenceNode)
        column = entry.parent.start_mark.column if is_item else entry.key.start_mark.column
        first, last = entry.key.start_mark.line, self._last_line(entry)
        lines = [self._text[self._starts[at] : self._end_of(at)] for at in range(first, last + 1)]
        begins = lines[0][:column].strip()
        above = self._text[self._starts[first - 1] : self._starts[first]] if first else ""
        has_comment = above.lstrip().startswith("#") or any(map(_COMMENT.search, lines))
        has_comment = has_comment or self._has_comment_below(last + 1, column)
        keep = keep and is_item
        if is_item and not lines[0][column:].startswith("-"):
            raise CannotEdit("an entry of a list does not begin with its dash")
        if not (keep or has_comment or begins):
            self._replace(self._starts[first], min(self._starts[last + 1], len(self._text)), "")
            return
        for number, line in zip(range(first, last + 1), lines, strict=True):
            if line.strip() and (number == first or not line.lstrip().startswith("#")):
                at = self._starts[number] + min(column, len(line) - len(line.lstrip()))
                at = self._starts[number] + column if number == first else at
                self._replace(at, at, "# ")

    def _has_comment_below(self, line: int, column: int) -> bool:
        """Return whether a comment follows that is indented as part of the value."""
        words = self._text[self._starts[line] : self._end_of(line)] if line < len(self._starts) - 1 else ""
        return words.lstrip().startswith("#") and len(words) - len(words.lstrip()) > column

    def _remove_between(self, entry: _Entry, location: Location) -> None:
        """Remove a key or an entry between brackets, with one comma; comments between them stay."""
        stay = self._staying(entry.parent, location)
        following = _entry_at(entry.parent, entry.number + 1)
        before = _entry_at(entry.parent, max((at for at in stay if at < entry.number), default=-1))
        if following is not None and any(at > entry.number for at in stay):
            start, end = entry.key.start_mark.index, following.key.start_mark.index
        else:
            start = before.value.end_mark.index if before else entry.key.start_mark.index
            end = entry.value.end_mark.index
        self._replace(start, end, "".join(_COMMENTS_BETWEEN.findall(self._text[start:end])))

    def _staying(self, parent: yaml.CollectionNode, location: Location) -> list[int]:
        """Return the numbers of the entries of the mapping or list at the location that are not left out."""
        is_list = isinstance(parent, yaml.SequenceNode)
        keys = range(len(parent.value)) if is_list else [pair[0].value for pair in parent.value]
        return [at for at, key in enumerate(keys) if (*location, key) not in self._removed]

    def _last_line(self, entry: _Entry) -> int:
        """Return the last line of the value."""
        if _is_alias(entry):
            return int(entry.key.end_mark.line)
        value = entry.value
        if isinstance(value, yaml.CollectionNode) and not value.flow_style and value.value:
            inner = _entry_at(value, len(value.value) - 1)
            assert inner is not None
            return self._last_line(inner)
        line: int = value.end_mark.line
        if isinstance(value, yaml.ScalarNode) and value.style in ("|", ">"):
            while line > value.start_mark.line and not self._is_inside(line, value):
                line -= 1
        return line

    def _is_inside(self, line: int, value: yaml.Node) -> bool:
        """Return whether the line, at or before the end of a block of text, belongs to it."""
        words = self._text[self._starts[line] : self._end_of(line)].strip()
        return bool(words) and self._starts[line] < value.end_mark.index and not words.startswith("#")

    def _end_of(self, line: int) -> int:
        """Return where the line ends, before its line break."""
        found = _LINE_BREAK.search(self._text, self._starts[line])
        return found.start() if found else len(self._text)


def _find(node: yaml.Node, key: str | int) -> _Entry | None:
    if isinstance(node, yaml.MappingNode):
        numbers = (number for number, pair in enumerate(node.value) if pair[0].value == key)
        number = next(numbers, None)
        return None if number is None else _entry_at(node, number)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
        return _entry_at(node, key)
    return None


def _entry_at(node: yaml.CollectionNode, number: int) -> _Entry | None:
    if not 0 <= number < len(node.value):
        return None
    entry = node.value[number]
    key, value = entry if isinstance(node, yaml.MappingNode) else (entry, entry)
    return _Entry(node, number, key, value)


def _is_alias(entry: _Entry) -> bool:
    """Return whether the value is written elsewhere, before its key or its list."""
    of_item = entry.key is entry.value
    earliest = entry.parent.start_mark.index if of_item else entry.key.end_mark.index
    return bool(entry.value.start_mark.index < earliest)


def _nested(names: Sequence[str], value: Any) -> Any:  # noqa: ANN401
    for name in reversed(names):
        value = {name: value}
    return value


def _value(data: Any, location: Location | None) -> Any:  # noqa: ANN401
    for key in location or ():
        data = data.get(key) if isinstance(data, Mapping) else data[key]
    return data


def _is(before: object, after: object) -> bool:
    return type(before) is type(after) and before == after


def _in_yaml(value: object) -> str:
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000
    )
    return text.removesuffix("...\n").strip()
