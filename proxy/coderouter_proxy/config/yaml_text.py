"""YAML of a bounded size, however often its aliases repeat what they name."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import yaml

from coderouter_proxy.redact import scrubbed

TEXT_BYTES_MAX: Final = 4 * 1024 * 1024
REPEATED_MAX: Final = 100_000
"""Values that all aliases of a file add to it."""
NESTING_MAX: Final = 100
DIGITS_MAX: Final = 100
"""The digits of a number; Python's time to read them grows with their square."""

_TOO_DEEP = f"is nested more than {NESTING_MAX} levels deep"
_NUMBERS = frozenset(("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"))
_TIME = "tag:yaml.org,2002:timestamp"
_CURES = {
    r"'\t'": "indent with spaces instead of tabs",
    "determine a constructor for the tag": "write the value itself: tags such as !include and !env are not read",
    "found another document": "keep what is before the second `---`",
}
"""What to do, by the words of PyYAML."""
_UNENDED = "unexpected end of stream"


class YamlError(Exception):
    """The text is not YAML, or more of it than is read; `line`, from 1, says where, if that is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def decoded(text: str) -> tuple[yaml.Node | None, Any]:
    """Return the nodes of the text, which know their lines, and its value.

    Raises:
        YamlError
    """
    if len(text) > TEXT_BYTES_MAX:
        raise YamlError(f"is larger than {TEXT_BYTES_MAX >> 20} MiB")
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is not None:
            _check(node)
        return node, yaml.safe_load(text)  # not from `node`: that would merge `<<` into it and so move lines
    except yaml.MarkedYAMLError as error:
        raise _explained(error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"is not YAML: has the character U+{error.character:04X}; remove it", line) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlError(f"is not YAML: {error}") from None


def _explained(error: yaml.MarkedYAMLError) -> YamlError:
    problem = scrubbed(str(error.problem or error.context))
    mark = error.problem_mark or error.context_mark
    if problem.endswith(_UNENDED) and error.context_mark:
        mark, problem = error.context_mark, "a text in quotes begins here and does not end"
    cure = next((f"; {cure}" for words, cure in _CURES.items() if words in problem), "")
    return YamlError(f"is not YAML: {problem}{cure}", mark.line + 1 if mark else None)


class _Loader(yaml.SafeLoader):
    """Stops at text that is nested too deep: reading it recursively could exhaust the stack of this process."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise YamlError(_TOO_DEEP, self.line + 1)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Size(NamedTuple):
    """The size of a node, including all that its aliases repeat."""

    values: int
    depth: int


def _check(root: yaml.Node) -> None:
    """Visit each node once, however often it is named, after those in it.

    Raises:
        YamlError: it cannot be written out, or not in the bounds of this module.
    """
    sizes: dict[int, _Size | None] = {id(root): None}  # None while the node is open
    open_nodes = [(root, _inner(root))]
    while open_nodes:
        node, rest = open_nodes[-1]
        inner = next((inner for inner in rest if sizes.get(id(inner)) is None), None)
        if inner is None:
            open_nodes.pop()
            sizes[id(node)] = _size(node, sizes)
        elif id(inner) in sizes:
            raise YamlError("contains itself through a YAML alias; write it out", _line(inner))
        else:
            sizes[id(inner)] = None
            open_nodes.append((inner, _inner(inner)))


def _size(node: yaml.Node, sizes: Mapping[int, _Size | None]) -> _Size:
    inner = [size for each in _inner(node) if (size := sizes[id(each)]) is not None]
    size = _Size(
        values=1 + sum(each.values for each in inner),
        depth=1 + max((each.depth for each in inner), default=0),
    )
    if size.depth > NESTING_MAX:
        raise YamlError(_TOO_DEEP, _line(node))
    if size.values > len(sizes) + REPEATED_MAX:
        message = f"has aliases that repeat more than {REPEATED_MAX:,} values; write out what differs"
        raise YamlError(message, _line(node))
    return size


def _inner(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return (inner for pair in node.value for inner in pair)
    if isinstance(node, yaml.SequenceNode):
        return iter(node.value)
    if node.tag in _NUMBERS and len(node.value) > DIGITS_MAX:
        raise YamlError(f"has a number of more than {DIGITS_MAX} digits", _line(node))
    if isinstance(node, yaml.ScalarNode) and node.tag == _TIME:
        try:
            yaml.constructor.SafeConstructor().construct_yaml_timestamp(node)
        except (ValueError, OverflowError) as error:
            message = f"{node.value} is no date: {error}; if it is text, write it in quotes"
            raise YamlError(message, _line(node)) from None
    return iter(())


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line + 1
    return line
