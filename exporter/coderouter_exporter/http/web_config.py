"""Read a web configuration file, in the format that Prometheus and its exporters share (exporter-toolkit).

Its nodes are read, not its values, so that each fault knows its line. The proxy reads its own file by a model and
pydantic; an exporter that stays small has no use for either.
"""

import re
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from coderouter_exporter.http.tls import CIPHERS, CIPHERS_OF_TLS13, CLIENT_CERTIFICATES, CURVES, TLS, VERSIONS

HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""Those that may be set, with the values that they may have where there are few."""
BCRYPT = re.compile(r"\$2[abxy]?\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
SENDABLE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
INSTEAD = {
    "cert": "write cert_file",
    "key": "write key_file",
    "client_ca": "write client_ca_file",
    "rate_limit": "leave it out",
    "RequestClientCert": "write VerifyClientCertIfGiven",
    "RequireAnyClientCert": "write RequireAndVerifyClientCert",
}
"""What the format has and we do not, for Python's TLS takes files and checks each certificate that it asks for."""
NULL = "tag:yaml.org,2002:null"
BOOL = "tag:yaml.org,2002:bool"

Read = Callable[[yaml.Node, str], Any]
"""Returns what a node says, given its place in the file, or raises what is wrong with it."""


class WebConfigErrors(Exception):
    """The file cannot be used; `str()` has one line for each fault, and `files` are those that were looked at."""

    def __init__(self, faults: Iterable[str], files: Iterable[Path]) -> None:
        super().__init__("\n".join(faults))
        self.files = tuple(files)


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    tls: TLS | None = None
    context: ssl.SSLContext | None = None
    users: Mapping[str, bytes] = field(default_factory=dict)
    """Names, and their passwords hashed by bcrypt; empty lets everyone in."""
    headers: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...]
    """All that was read."""


def read(path: Path) -> WebConfig:
    """Return what the file says, with the certificates that it names.

    Raises:
        WebConfigErrors: with every fault of the file.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise WebConfigErrors([f"{path}: cannot be read: {error}"], [path]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise WebConfigErrors(
            [f"{path}{line}: is not YAML: {error.problem or error.context}"], [path]
        ) from None
    except yaml.YAMLError as error:
        raise WebConfigErrors([f"{path}: is not YAML: {error}"], [path]) from None
    reading = _Reading(path)
    config = reading.whole(node)
    if reading.faults or config is None:
        raise WebConfigErrors(
            (f"{path}:{line}: {what}" for line, what in sorted(reading.faults)), reading.files
        )
    return config


class _Reading:
    """One file, and the faults that were found in it until now."""

    def __init__(self, path: Path) -> None:
        self.files = [path]
        self.faults: list[tuple[int, str]] = []
        self._folder = path.parent

    def whole(self, node: yaml.Node | None) -> WebConfig | None:
        """Return the configuration; None when it has faults."""
        sections: dict[str, Read] = {
            "tls_server_config": self._tls,
            "http_server_config": self._http,
            "basic_auth_users": self._users,
            "rate_limit": _unsupported,
        }
        found = self._read(self._mapping(sections), node, "") if node is not None else {}
        if self.faults:
            return None
        tls, context = found.get("tls_server_config", (None, None))
        return WebConfig(
            tls=tls,
            context=context,
            users=found.get("basic_auth_users", {}),
            headers=found.get("http_server_config", {}).get("headers", {}),
            files=tuple(self.files),
        )

    def _tls(self, node: yaml.Node, place: str) -> tuple[TLS, ssl.SSLContext] | None:
        fields: dict[str, Read] = {
            "cert_file": self._file,
            "key_file": self._file,
            "client_ca_file": self._file,
            "client_auth_type": _one_of(CLIENT_CERTIFICATES),
            "client_allowed_sans": self._each(_text),
            "min_version": _one_of(VERSIONS),
            "max_version": _one_of(VERSIONS),
            "cipher_suites": self._each(_one_of((*CIPHERS, *CIPHERS_OF_TLS13))),
            "prefer_server_cipher_suites": _boolean,
            "curve_preferences": self._each(_one_of(CURVES)),
            **dict.fromkeys(("cert", "key", "client_ca"), _unsupported),
        }
        before = len(self.faults)
        found = self._mapping(fields)(node, place)
        if len(self.faults) > before:
            return None
        if missing := [name for name in ("cert_file", "key_file") if name not in found]:
            raise _Wrong(f"has no {' and no '.join(missing)}; add it")
        tls = TLS(**found)
        if wrong := list(_disagreements(tls)):
            raise _Wrong("; ".join(wrong))
        try:
            return tls, tls.context()
        except (OSError, ValueError) as error:
            raise _Wrong(f"certificate and key cannot be used: {error}") from None

    def _http(self, node: yaml.Node, place: str) -> dict[str, Any]:
        headers = self._mapping({name: _header(values) for name, values in HEADERS.items()})

        def sent(inner: yaml.Node, inner_place: str) -> dict[str, str]:
            return {name: value for name, value in headers(inner, inner_place).items() if value}

        found: dict[str, Any] = self._mapping({"http2": _boolean, "headers": sent})(node, place)
        return found

    def _users(self, node: yaml.Node, place: str) -> dict[str, bytes]:
        found: dict[str, bytes] = self._mapping(None)(node, place)
        return found

    def _file(self, node: yaml.Node, place: str) -> Path:
        path = self._folder / _text(node, place)
        self.files.append(path)
        try:
            path.open("rb").close()
        except OSError as error:
            raise _Wrong(f"{path} cannot be read: {error.strerror}") from None
        return path

    def _mapping(self, fields: Mapping[str, Read] | None) -> Read:
        """Return what reads a mapping of these fields; with no table, every key is a user's name."""
        known = ", ".join(sorted(name for name in fields or () if name not in INSTEAD))

        def read_fields(node: yaml.Node, place: str) -> dict[str, Any]:
            if not isinstance(node, yaml.MappingNode):
                raise _Wrong("is not a mapping; write fields")
            found: dict[str, Any] = {}
            for key, value in node.value:
                name = str(self._read(_text, key, place))
                inner = f"{place}.{name}" if place else name
                reads = _hash if fields is None else fields.get(name)
                if name in found:
                    self._fault(key, inner, "stands twice; the first one would be lost")
                elif reads is None:
                    self._fault(key, inner, f"is not a known field; known here are {known}")
                elif value.tag != NULL or fields is None:  # a user without a hash is no field left out
                    found[name] = self._read(reads, value, inner, key)
            return found

        return read_fields

    def _each(self, reads: Read) -> Read:
        def read_list(node: yaml.Node, place: str) -> tuple[Any, ...]:
            if not isinstance(node, yaml.SequenceNode):
                raise _Wrong("is not a list; write - before each value")
            return tuple(
                self._read(reads, value, f"{place}[{index}]") for index, value in enumerate(node.value)
            )

        return read_list

    def _read(self, reads: Read, node: yaml.Node, place: str, at: yaml.Node | None = None) -> Any:  # noqa: ANN401
        """Return what the node says; None when that is wrong, which is noted with the line of `at`, or its own."""
        try:
            return reads(node, place)
        except _Wrong as wrong:
            self._fault(at or node, place, str(wrong))

    def _fault(self, node: yaml.Node, place: str, what: str) -> None:
        self.faults.append((node.start_mark.line + 1, f"{place}: {what}" if place else what))


class _Wrong(Exception):
    """What a node says cannot be used; the message has what to write instead."""


def _text(node: yaml.Node, _: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _Wrong("is not a text; write one")
    return str(node.value)


def _boolean(node: yaml.Node, _: str) -> bool:
    if node.tag != BOOL:
        raise _Wrong("is neither true nor false; write one of them")
    return str(node.value).lower() in ("true", "yes", "on")


def _hash(node: yaml.Node, place: str) -> bytes:
    text = _text(node, place)
    if not BCRYPT.fullmatch(text):
        raise _Wrong("is no bcrypt hash; make one with: htpasswd -nBC 10 NAME")
    return text.encode()


def _unsupported(_: yaml.Node, place: str) -> None:
    raise _Wrong(f"is not supported here; {INSTEAD[place.rpartition('.')[2]]}")


def _one_of(names: Collection[str]) -> Read:
    def read_name(node: yaml.Node, place: str) -> str:
        text = _text(node, place)
        if text not in names:
            instead = INSTEAD.get(text) or f"write {' or '.join(names)}"
            raise _Wrong(f"is {text!r}; {instead}")
        return text

    return read_name


def _header(values: tuple[str, ...]) -> Read:
    def read_value(node: yaml.Node, place: str) -> str:
        text = _text(node, place)
        if values and text and text.lower() not in values:
            raise _Wrong(f"is {text!r}; write {' or '.join(values)}")
        if not SENDABLE.fullmatch(text):
            raise _Wrong("has characters that no header may have")
        return text

    return read_value


def _disagreements(tls: TLS) -> Iterable[str]:
    """Yield what is wrong between the fields."""
    checks = tls.client_auth_type != "NoClientCert"
    if checks and tls.client_ca_file is None:
        yield f"{tls.client_auth_type} needs a client_ca_file; add it"
    if tls.client_ca_file is not None and not checks:
        yield "client_ca_file has no use without a client_auth_type; write RequireAndVerifyClientCert"
    if tls.client_allowed_sans and tls.client_auth_type != "RequireAndVerifyClientCert":
        yield "client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert"
    if VERSIONS[tls.min_version] > VERSIONS[tls.max_version]:
        yield f"min_version {tls.min_version} is above max_version {tls.max_version}"
    if len(tls.curve_preferences) > 1:
        yield "curve_preferences has more than one; Python's TLS takes one"
