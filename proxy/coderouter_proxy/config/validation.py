"""Read a YAML file into a pydantic model; tell all of its faults at once, each with its line."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from coderouter_proxy.redact import scrubbed

Location = tuple[str | int, ...]
Faults = Iterator[tuple[Location, str]]
Disagreements = Callable[[Mapping[str, Any]], Faults]
Model = TypeVar("Model", bound=BaseModel)

_QUERY = re.compile(r"(https?://[^\s?#]*[?#])[^\s'\"]+")


class ConfigErrors(Exception):
    """A configuration cannot be used; `str()` has one line for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def text_of(path: Path) -> str:
    """Return the file's text.

    Raises:
        ConfigErrors: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigErrors([f"{path}: cannot be read: {error}"]) from None


def _none(data: Mapping[str, Any]) -> Faults:
    return iter(())


def validated(
    text: str,
    source: str,
    model: type[Model],
    disagreements: Disagreements = _none,
) -> Model:
    """Return what the YAML text says; `source` is how faults name it.

    `disagreements` yields what is wrong between the fields of the decoded file.

    Raises:
        ConfigErrors: with every fault of the text.
    """
    node, data = _decoded(text, source, model)
    faults = [(place, f"{_path(place)}: {what}") for place, what in _faults(data, model, disagreements)]
    try:
        faults += [
            (place, f"{_path(place)}: stands twice; the first one would be lost") for place in _repeated(node)
        ]
    except RecursionError:
        raise ConfigErrors([f"{source}: holds itself by an alias; write it out"]) from None
    if faults:
        placed = sorted((_line(node, place), what) for place, what in faults)
        raise ConfigErrors([f"{source}:{line}: {what}" for line, what in placed])
    return model.model_validate(data)


def _decoded(text: str, source: str, model: type[BaseModel]) -> tuple[yaml.Node, dict[str, Any]]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(
            text
        )  # on its own, for it writes what `<<` merges into the nodes that it is given
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigErrors([f"{source}{line}: is not YAML: {error.problem or error.context}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigErrors([f"{source}: is not YAML: {error}"]) from None
    if node is None or not isinstance(data, dict):
        found = "empty" if data is None else f"a {type(data).__name__}"
        lists = " and ".join(
            f"`{name}:`" for name, field in model.model_fields.items() if field.is_required()
        )
        raise ConfigErrors([f"{source}: is {found}; write a mapping with {lists or 'fields'}"])
    return node, data


def _faults(data: dict[str, Any], model: type[BaseModel], disagreements: Disagreements) -> Faults:
    try:
        model.model_validate(data)
    except ValidationError as invalid:
        for error in invalid.errors():
            yield error["loc"], _sentence(error, model)
    yield from disagreements(data)


def _sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    """Return the value that was found and what to write instead."""
    context: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return f"is not a known field; known here are {', '.join(_known_fields(model, error['loc']))}"
        case "literal_error":
            return f"is {_shown(error['input'])}; write {context['expected']}"
        case "value_error":
            shown = "" if isinstance(error["input"], dict) else f"{_shown(error['input'])} "
            return f"{shown}{context['error']}"
        case _:
            return f"is {_shown(error['input'])}: {error['msg'].removeprefix('Input ')}"


def _known_fields(whole: type[BaseModel], place: Location) -> list[str]:
    model: Any = whole
    for key in place[:-1]:
        if isinstance(key, str):
            model = _section(model.model_fields[key].annotation)
    return sorted(model.model_fields)


def _section(annotation: Any) -> Any:  # noqa: ANN401
    """Return the model inside an annotation such as `list[Provider]` or `AutoRouter | None`."""
    while not hasattr(annotation, "model_fields"):
        annotation = annotation.__args__[0]
    return annotation


def _shown(value: object) -> str:
    """Return the value as a fault may show it: without what may be a key, for faults are logged and noted."""
    text = _QUERY.sub(r"\1…", scrubbed(repr(value)))
    return text if len(text) <= 60 else f"{text[:57]}…"


def _path(place: Location) -> str:
    text = ""
    for key in place:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def _line(node: yaml.Node, place: Location) -> int:
    """Return the line, from 1, of the deepest part of the place that the file has."""
    line = node.start_mark.line + 1
    for key in place:
        entry: tuple[yaml.Node, yaml.Node] | None = None
        if isinstance(node, yaml.MappingNode):
            entry = next((pair for pair in node.value if pair[0].value == key), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            entry = (node.value[key], node.value[key])
        if entry is None:
            break
        line, node = entry[0].start_mark.line + 1, entry[1]
    return line


def _repeated(node: yaml.Node, place: Location = ()) -> Iterator[Location]:
    """Yield the place of each key that a mapping has twice; YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.value != "<<":
                    yield (*place, key.value)
                seen.add(key.value)
                yield from _repeated(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _repeated(value, (*place, index))
