"""Find and read providers.yaml, or fall back to the built-in configuration."""

import os
from dataclasses import dataclass
from pathlib import Path

from coderouter_proxy.config import validation
from coderouter_proxy.config.coderouter2 import apply, plan
from coderouter_proxy.config.coderouter2.notes import Note
from coderouter_proxy.config.consistency import cross_field_errors
from coderouter_proxy.config.schema import ALL_SKIPPED, Config
from coderouter_proxy.config.validation import ConfigErrors, Document, Rules, path_shown
from coderouter_proxy.redact import value_shown

BUILTIN = """\
default_profile: default
providers:
  - name: ollama
    base_url: http://127.0.0.1:11434/v1
    model: qwen2.5-coder:7b
    cost: {input_per_mtok: 0, output_per_mtok: 0}
    timeout_s: 120
  - name: echo
    kind: echo
    cost: {input_per_mtok: 0, output_per_mtok: 0}
profiles:
  - name: default
    providers: [ollama, echo]
"""


@dataclass(frozen=True)
class Loaded:
    """A valid configuration and the file it came from; None is the built-in configuration."""

    config: Config
    path: Path | None
    notes: tuple[Note, ...] = ()


def find(path: Path | None) -> Path | None:
    """Return the providers.yaml to read: `path` or CODEROUTER_CONFIG, else the first default location that has one.

    None means that there is no file.

    Raises:
        ConfigErrors: the file that was named does not exist, or it cannot be known which one there is.
    """
    named = path or (Path(value) if (value := os.environ.get("CODEROUTER_CONFIG")) else None)
    if named is None:
        locations = (Path("providers.yaml"), Path.home() / ".coderouter" / "providers.yaml")
        return next((location for location in locations if _is_file(location)), None)
    named = named.expanduser()
    if not _is_file(named):
        found = (
            "is a folder"
            if named.is_dir()
            else "is no regular file"
            if named.exists()
            else "there is no such file"
        )
        raise ConfigErrors([f"{named}: {found}; name an existing file with --config"])
    return named


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise ConfigErrors([f"{path}: cannot be read: {error.strerror}"]) from None


def load(path: Path | None) -> Loaded:
    """Read the file, or the built-in configuration if the path is None.

    The environment variable `ALLOW_PAID` overrides `allow_paid` of the file.

    Raises:
        ConfigErrors: with every error of the file.
    """
    text, source = (
        (BUILTIN, "built-in configuration") if path is None else (validation.text_of(path), str(path))
    )
    config, notes = read(text, source)
    return Loaded(_with_env_override(config), path, notes)


def parse(text: str, source: str) -> Config:
    """Return the configuration in the YAML text; `source` is how errors name the text.

    Raises:
        ConfigErrors: with every error of the text.
    """
    return read(text, source)[0]


def read(text: str, source: str) -> tuple[Config, tuple[Note, ...]]:
    """Return the configuration in the YAML text, and what its keys of CodeRouter 2.x have become.

    Raises:
        ConfigErrors: with every error of the text.
    """
    document = validation.decoded(text, source, Config)
    planned = plan.plan(document.data)
    data = apply.applied(document.data, planned.edits) if planned.edits else document.data
    rules = Rules(
        model=Config,
        cross_field_errors=cross_field_errors,
        context={ALL_SKIPPED: bool(planned.skipped_providers())},
        more_names=plan.known_names,
    )
    origin = apply.Origins(planned.edits).of
    config = validation.checked(document, data, rules, errors=planned.errors, origin=origin)
    notes = (_note(found, document) for found in planned.found)
    return config, tuple(sorted(notes, key=lambda note: note.line))


def _note(found: plan.Found, document: Document) -> Note:
    return Note(
        line=document.line(found.location),
        key=path_shown(found.location),
        verdict=found.verdict,
        text=found.text,
        is_loss=found.is_loss,
    )


def _with_env_override(config: Config) -> Config:
    value = os.environ.get("ALLOW_PAID")
    if value is None:
        return config
    yes, no = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")
    if value.strip().lower() not in yes + no:
        raise ConfigErrors(
            [
                f"ALLOW_PAID={value_shown(value)} in the environment is neither true nor false; set it to one of them"
            ]
        )
    return config.model_copy(update={"allow_paid": value.strip().lower() in yes})
