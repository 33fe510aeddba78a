"""Find and read providers.yaml, or take the built-in configuration."""

import os
from dataclasses import dataclass
from pathlib import Path

from coderouter_proxy.config import validation
from coderouter_proxy.config.consistency import disagreements
from coderouter_proxy.config.schema import Config
from coderouter_proxy.config.validation import ConfigErrors

BUILTIN = """\
default_profile: default
providers:
  - name: ollama
    base_url: http://127.0.0.1:11434/v1
    model: qwen2.5-coder:7b
    timeout_s: 120
  - name: echo
    kind: echo
profiles:
  - name: default
    providers: [ollama, echo]
"""


@dataclass(frozen=True)
class Loaded:
    """A valid configuration and where it came from; no path means the built-in one."""

    config: Config
    path: Path | None


def find(given: Path | None) -> Path | None:
    """Return the providers.yaml to read: the given one, else the first usual place that has one, else None.

    Raises:
        ConfigErrors: a file was named, by argument or by CODEROUTER_CONFIG, and is not there.
    """
    named = given or (Path(value) if (value := os.environ.get("CODEROUTER_CONFIG")) else None)
    if named is None:
        usual = (Path("providers.yaml"), Path.home() / ".coderouter" / "providers.yaml")
        return next((path for path in usual if path.is_file()), None)
    named = named.expanduser()
    if not named.is_file():
        raise ConfigErrors([f"{named}: there is no such file; name an existing one with --config"])
    return named


def load(path: Path | None) -> Loaded:
    """Read the file, or the built-in configuration where the path is None.

    `ALLOW_PAID` of the environment wins over the file's `allow_paid`.

    Raises:
        ConfigErrors: with every fault of the file.
    """
    if path is None:
        return Loaded(_with_environment(parse(BUILTIN, "built-in configuration")), None)
    return Loaded(_with_environment(parse(validation.text_of(path), str(path))), path)


def parse(text: str, source: str) -> Config:
    """Return what the YAML text says; `source` is how faults name it.

    Raises:
        ConfigErrors: with every fault of the text.
    """
    return validation.validated(text, source, Config, disagreements)


def _with_environment(config: Config) -> Config:
    value = os.environ.get("ALLOW_PAID")
    if value is None:
        return config
    yes, no = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")
    if value.strip().lower() not in yes + no:
        raise ConfigErrors(
            [f"ALLOW_PAID={value!r} in the environment is neither true nor false; write one of them"]
        )
    return config.model_copy(update={"allow_paid": value.strip().lower() in yes})
