"""Load env files: NAME=value lines, e.g. API keys, into the environment."""

import io
import os
from pathlib import Path

from dotenv import dotenv_values

from coderouter_events.reasons import reason_of


class EnvFileError(Exception):
    """An env file cannot be read."""


def load(path: Path, *, override: bool) -> list[str]:
    """Set the variables of the file and return their names; variables already set are kept unless `override`.

    Raises:
        EnvFileError
    """
    path = path.expanduser()
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read()
        if "\0" in text:
            raise ValueError("it contains a null byte")
        values = dotenv_values(stream=io.StringIO(text))
    except (OSError, ValueError) as error:
        raise EnvFileError(
            f"{path}: cannot be read: {reason_of(error)}; name an existing file with --env-file"
        ) from None
    taken = {name: value for name, value in values.items() if value is not None}
    if not override:
        taken = {name: value for name, value in taken.items() if name not in os.environ}
    os.environ.update(taken)
    return list(taken)
