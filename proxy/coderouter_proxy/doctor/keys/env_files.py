"""Check that keys are stored safely: in files that only their owner can read and that are in no repository."""

import shlex
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from coderouter_proxy.config import load, yaml_text
from coderouter_proxy.doctor.keys import git, units
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.redact import secret_places

DEFAULT_PATHS = (Path(".env"), Path("~/.coderouter/.env"))
OTHER_USERS = stat.S_IRWXG | stat.S_IRWXO


def check_env(path: Path | None, *, config: Path | None, env_files: Sequence[Path]) -> list[Result]:
    """Return the results for the env file, for providers.yaml and for systemd units.

    Without a path, the env files are those that the proxy would read: `env_files`, the default ones, and those that
    a unit names.

    No message contains a value.

    Raises:
        ConfigErrors: `config` does not exist.
    """
    defaults = [default for default in DEFAULT_PATHS if default.expanduser().exists()]
    paths = [path] if path is not None else [*env_files, *defaults, *units.env_files()]
    results: list[Result] = []
    for each in dict.fromkeys(each.expanduser() for each in paths):
        results += _check_env_file(each)
    if not results:
        message = f"not found: no --env-file, and no {' or '.join(map(str, DEFAULT_PATHS))}"
        results.append(Result(check="env file", verdict=Verdict.SKIP, message=message))
    results += _check_config_file(load.find(config))
    results += units.check()
    return results


def _check_env_file(path: Path) -> Iterator[Result]:
    subject = str(path)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        yield Result(
            subject=subject,
            check="file",
            verdict=Verdict.TRANSPORT_ERROR,
            message=f"cannot be read: {error.strerror}",
            remedy="name an existing file: coderouter doctor --check-env PATH",
        )
        return
    open_to_others = bool(mode & OTHER_USERS)
    yield Result(
        subject=subject,
        check="mode",
        verdict=Verdict.NEEDS_TUNING if open_to_others else Verdict.OK,
        message=f"{mode:04o}: other users {'have' if open_to_others else 'have no'} access",
        remedy=f"chmod 600 {shlex.quote(subject)}" if open_to_others else "",
    )
    yield from git.check(path)


def _check_config_file(path: Path | None) -> Iterator[Result]:
    """Yield whether the file contains what looks like a key, and where; also for a file that is invalid otherwise."""
    if path is None:
        message = "not found; the built-in configuration has no keys"
        yield Result(subject="providers.yaml", check="keys in it", verdict=Verdict.SKIP, message=message)
        return
    try:
        _, data = yaml_text.decoded(path.read_text(encoding="utf-8"))
        places = list(secret_places(data))
    except (OSError, ValueError, yaml_text.YamlError) as error:
        # The message of a YAML error may quote the value.
        reason = error.strerror if isinstance(error, OSError) else "not YAML"
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
        message=f"what looks like a key is at {', '.join(places)}" if places else "none",
        remedy="put it in an env file, name its variable in api_key_env, and create a new key"
        if places
        else "",
    )
