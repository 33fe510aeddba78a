"""Whether keys stay where they belong: in files that only their owner reads, and that no repository holds."""

import shlex
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from coderouter_proxy.config import load
from coderouter_proxy.doctor.keys import git, units
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.redact import secret_places

USUAL = (Path(".env"), Path("~/.coderouter/.env"))
OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


def check_env(path: Path | None, *, config: Path | None, env_files: Sequence[Path]) -> list[Result]:
    """Return what was found in the env file, in providers.yaml and in systemd units.

    Without a path the env files are those that the proxy would read: given, usual, or named by a unit.

    No message holds a value.

    Raises:
        ConfigErrors: a providers.yaml was named and is not there.
    """
    usual = [path for path in USUAL if path.expanduser().exists()]
    paths = [path] if path is not None else [*env_files, *usual, *units.env_files()]
    results: list[Result] = []
    for each in dict.fromkeys(each.expanduser() for each in paths):
        results += _env_file(each)
    if not results:
        message = f"there is none: no --env-file, and no {' or '.join(map(str, USUAL))}"
        results.append(Result(check="env file", verdict=Verdict.SKIP, message=message))
    results += _config_file(load.find(config))
    results += units.check()
    return results


def _env_file(path: Path) -> Iterator[Result]:
    """Yield what was found about the file."""
    subject = str(path)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        yield Result(
            subject=subject,
            check="file",
            verdict=Verdict.TRANSPORT_ERROR,
            message=f"cannot be looked at: {error.strerror}",
            remedy="name an existing file: coderouter doctor --check-env PATH",
        )
        return
    open_to_others = bool(mode & OTHERS_MAY)
    yield Result(
        subject=subject,
        check="mode",
        verdict=Verdict.NEEDS_TUNING if open_to_others else Verdict.OK,
        message=f"{mode:04o}: other users may {'use' if open_to_others else 'not use'} it",
        remedy=f"chmod 600 {shlex.quote(subject)}" if open_to_others else "",
    )
    yield from git.check(path)


def _config_file(path: Path | None) -> Iterator[Result]:
    """Yield whether the file holds what looks like a key, and where; also of a file with faults."""
    if path is None:
        message = "there is none; the built-in configuration has no keys"
        yield Result(subject="providers.yaml", check="keys in it", verdict=Verdict.SKIP, message=message)
        return
    try:
        places = list(secret_places(yaml.safe_load(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        # What YAML itself says of a fault may hold the value.
        reason = error.strerror if isinstance(error, OSError) else "it is not YAML"
        yield Result(
            subject=str(path),
            check="keys in it",
            verdict=Verdict.TRANSPORT_ERROR,
            message=f"cannot be read: {reason}",
            remedy=f"coderouter check-config {shlex.quote(str(path))}",
        )
        return
    yield Result(
        subject=str(path),
        check="keys in it",
        verdict=Verdict.NEEDS_TUNING if places else Verdict.OK,
        message=f"what looks like a key stands at {', '.join(places)}" if places else "none",
        remedy="put it into an env file, name its variable in api_key_env, and make a new key"
        if places
        else "",
    )
