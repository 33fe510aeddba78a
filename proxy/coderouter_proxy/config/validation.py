"""Parse YAML into a pydantic model and report all of its errors at once, each with its line."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from coderouter_proxy.config import yaml_text
from coderouter_proxy.config.values import HIDDEN_VALUE
from coderouter_proxy.config.yaml_text import YamlError
from coderouter_proxy.redact import name_shown, value_shown

Location = tuple[str | int, ...]
"""Keys and indices from the top of the file down, e.g. `("providers", 0, "model")`."""
LocatedErrors = Iterator[tuple[Location, str]]
CrossFieldCheck = Callable[[Mapping[str, Any]], LocatedErrors]
Model = TypeVar("Model", bound=BaseModel)

_FAST_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the former where PyYAML was built with libyaml
_QUERY = re.compile(r"(https?://[^\s?#]*[?#])[^\s'\"]+")


class ConfigErrors(Exception):
    """A configuration cannot be used; `str()` has one line for each error."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def text_of(path: Path) -> str:
    """Return the text of the file.

    Raises:
        ConfigErrors: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigErrors([f"{path}: cannot be read: {error.strerror}"]) from None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"is not UTF-8: has the byte 0x{data[error.start]:02x}; save the file as UTF-8"
        raise ConfigErrors([f"{path}:{line}: {found}"]) from None


@dataclass(frozen=True)
class Document:
    """Decoded YAML, with its lines; `source` is how errors name it."""

    node: yaml.Node
    data: dict[str, Any]
    source: str

    def line(self, location: Location) -> int:
        """Return the line, from 1, of the deepest part of the location that the file has."""
        return _line(self.node, location)


def _no_check(data: Mapping[str, Any]) -> LocatedErrors:
    return iter(())


@dataclass(frozen=True, kw_only=True)
class Rules(Generic[Model]):
    """What a file has to be: an instance of the model.

    `cross_field_errors` yields what is wrong between the fields of the decoded file. `context` is what validators of
    the model get, and `more_names` returns names that are known at a location besides those of the model.
    """

    model: type[Model]
    cross_field_errors: CrossFieldCheck = _no_check
    context: Mapping[str, Any] | None = None
    more_names: Callable[[Location], Iterable[str]] = lambda _: ()


def validated(text: str, source: str, model: type[Model]) -> Model:
    """Return the YAML text as an instance of the model; `source` is how errors name the text.

    Raises:
        ConfigErrors: with every error of the text.
    """
    document = decoded(text, source, model)
    return checked(document, document.data, Rules(model=model))


def checked(
    document: Document,
    data: Mapping[str, Any],
    rules: Rules[Model],
    *,
    errors: Iterable[tuple[Location, str]] = (),
    origin: Callable[[Location], Location] = lambda location: location,
) -> Model:
    """Return the data as an instance of the model.

    The data is that of the document, or was made from it: then `errors` has what was wrong with the document, by
    location, and `origin` returns the location that a value was made from.

    Raises:
        ConfigErrors: with every error of the text.
    """
    located = [*errors, *((origin(location), message) for location, message in _errors(data, rules))]
    located += [
        (location, "is duplicated; the first value would be ignored")
        for location in _duplicate_keys(document.node)
    ]
    if located:
        by_line = sorted(
            (document.line(location), f"{path_shown(location)}: {message}") for location, message in located
        )
        raise ConfigErrors([f"{document.source}:{line}: {message}" for line, message in by_line])
    return rules.model.model_validate(data, context=rules.context)


def known_as_valid(text: str, model: type[Model]) -> Model:
    """Return YAML text of the package itself as an instance of the model; many times faster than `validated`."""
    return model.model_validate(yaml.load(text, Loader=_FAST_LOADER))


def decoded(text: str, source: str, model: type[BaseModel]) -> Document:
    """Return the text as YAML, which is to become an instance of the model.

    Raises:
        ConfigErrors: it is not YAML, or not a mapping.
    """
    try:
        node, data = yaml_text.decoded(text)
    except YamlError as error:
        line = "" if error.line is None else f":{error.line}"
        raise ConfigErrors([f"{source}{line}: {error.message}"]) from None
    if node is None or not isinstance(data, dict):
        found = "is empty" if data is None else "is not a mapping"
        required = " and ".join(
            f"`{name}:`" for name, field in model.model_fields.items() if field.is_required()
        )
        raise ConfigErrors([f"{source}: {found}; write a mapping with {required or 'fields'}"])
    return Document(node, data, source)


def _errors(data: Mapping[str, Any], rules: Rules[Model]) -> LocatedErrors:
    try:
        rules.model.model_validate(data, context=rules.context)
    except ValidationError as invalid:
        for error in invalid.errors():
            yield _in_file(error, data), _message(error, rules)
    yield from rules.cross_field_errors(data)


def _in_file(error: ErrorDetails, data: object) -> Location:
    """Return the location of the error without names that only the schema has: of the kinds of entries of a list."""
    location, found = error["loc"], list[str | int]()
    missing = len(location) - 1 if error["type"] == "missing" else None
    for number, key in enumerate(location):
        of_entry = isinstance(key, str) and number > 0 and isinstance(location[number - 1], int)
        if of_entry and number != missing and not (isinstance(data, Mapping) and key in data):
            continue
        found.append(key)
        if isinstance(data, Mapping):
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
    return tuple(found)


def _message(error: ErrorDetails, rules: Rules[Model]) -> str:
    """Return what was found and what to write instead."""
    context: Mapping[str, Any] = error.get("ctx", {})
    found = _shown(error["input"])
    match error["type"]:
        case "missing":
            return _missing(error, _section_of(error["loc"], rules.model))
        case "extra_forbidden":
            known = sorted(_section_of(error["loc"], rules.model).model_fields)
            others = (name for name in rules.more_names(error["loc"]) if name not in known)
            near = get_close_matches(str(error["loc"][-1]), [*known, *others], n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            return f"is not a known field; {meant}known fields: {', '.join(known)}"
        case error_type if error_type == HIDDEN_VALUE:
            return str(context["message"])
        case "literal_error":
            return f"is {found}; write {context['expected']}"
        case "value_error":
            return (
                str(context["error"]) if isinstance(error["input"], dict) else f"{found} {context['error']}"
            )
        case "string_type" if isinstance(error["input"], int | float | date):
            return f"is {found}: should be a valid string; write it in quotes"
        case "dict_type" | "model_type":
            return f"is {found}: should be a mapping"
        case "too_short" | "string_too_short" if context["min_length"] == 1:
            return f"is {found}: should not be empty"
        case _:
            return f"is {found}: {error['msg'].removeprefix('Input ')}"


def _missing(error: ErrorDetails, section: type[BaseModel]) -> str:
    """Return the message for a missing field: its entry, by name if it has one, and an example."""
    field = str(error["loc"][-1])
    name = error["input"].get("name")
    examples = section.model_fields[field].examples
    found = (
        f"{section.__name__.lower()} {_shown(name)} has no {field}" if isinstance(name, str) else "is missing"
    )
    return f"{found}; add {f'e.g. {field}: {examples[0]}' if examples else 'it'}"


def _section_of(location: Location, model: type[BaseModel]) -> type[BaseModel]:
    """Return the model that has, or would have, the field at the location."""
    section = model
    for key in location[:-1]:
        if key in section.model_fields:
            section = _model_in(section.model_fields[str(key)].annotation) or section
    return section


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    """Return the model inside an annotation such as `list[Provider]` or `AutoRouter | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = map(_model_in, getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)


def _shown(value: object) -> str:
    """Return the value for an error message: without anything that may be a key, because errors are logged."""
    text = str(value) if isinstance(value, date) else _QUERY.sub(r"\1…", value_shown(value))
    return text if len(text) <= 60 else f"{text[:57]}…"


def path_shown(location: Location) -> str:
    """Return the location as text, without anything that may be a key."""
    text = ""
    for key in location:
        shown = key if isinstance(key, int) else name_shown(key)
        text += f"[{key}]" if isinstance(key, int) else f".{shown}" if text else str(shown)
    return text


def _line(node: yaml.Node, location: Location) -> int:
    """Return the line, from 1, of the deepest part of the location that the file has."""
    line = node.start_mark.line + 1
    for key in location:
        entry: tuple[yaml.Node, yaml.Node] | None = None
        if isinstance(node, yaml.MappingNode):
            entry = next((pair for pair in node.value if pair[0].value == key), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            entry = (node.value[key], node.value[key])
        if entry is None:
            break
        line, node = entry[0].start_mark.line + 1, entry[1]
    return line


def _duplicate_keys(node: yaml.Node, location: Location = ()) -> Iterator[Location]:
    """Yield the location of each key that a mapping has twice; YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.value != "<<":
                    yield (*location, key.value)
                seen.add(key.value)
                yield from _duplicate_keys(value, (*location, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _duplicate_keys(value, (*location, index))
