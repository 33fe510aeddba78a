"""Whether keys stay where they belong."""

from collections.abc import Sequence
from pathlib import Path

from coderouter_proxy.doctor.verdict import Result


def check_env(path: Path | None, *, config: Path | None, env_files: Sequence[Path]) -> list[Result]:
    del path, config, env_files
    return []
