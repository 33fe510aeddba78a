"""Unit files of systemd, and the environment and folders that a process gets from them."""

import re
from collections import defaultdict
from pathlib import Path

DIRECTORIES = {"StateDirectory": "/var/lib", "LogsDirectory": "/var/log", "RuntimeDirectory": "/run"}
SPECIFIERS = {"%t": "/run", "%h": "~", "%%": "%"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SPAN_S = {"": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


class Unit:
    """The settings of a service's unit file."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self._settings: dict[str, list[str]] = defaultdict(list)
        for line in path.read_text(encoding="utf-8").splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.startswith(("#", ";")):
                self._settings[name].append(_resolved(value))

    def all(self, name: str) -> list[str]:
        return self._settings[name]

    def words(self, name: str) -> list[str]:
        return [word for value in self._settings[name] for word in value.split()]

    def one(self, name: str) -> str:
        [value] = self._settings[name]
        return value

    def seconds(self, name: str) -> float:
        match = re.fullmatch(r"(\d+)(\w*)", self.one(name))
        assert match, self.one(name)
        return int(match[1]) * _SPAN_S[match[2]]

    @property
    def directories(self) -> dict[str, str]:
        """The folders that systemd creates for it, by the name of their setting."""
        return {
            name: f"{above}/{self.one(name)}" for name, above in DIRECTORIES.items() if self._settings[name]
        }

    def environment(self) -> dict[str, str]:
        """Return the variables that systemd sets, without those of a watchdog, a notify socket or environment files."""
        made = {
            f"{name.removesuffix('Directory').upper()}_DIRECTORY": at for name, at in self.directories.items()
        }
        given = dict(assignment.split("=", 1) for assignment in self.all("Environment"))
        return {"PATH": PATH, "LANG": "C.UTF-8", "USER": self.one("User"), **made, **given}


def _resolved(value: str) -> str:
    return re.sub(r"%.", lambda specifier: SPECIFIERS[specifier[0]], value)
