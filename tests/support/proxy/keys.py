"""A home folder with keys, and the checks of `coderouter doctor --check-env` in it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from coderouter_proxy.doctor.keys.env_files import check_env
from coderouter_proxy.doctor.result import Result, exit_code
from support.programs import program

SECRET = "sk-live-0123456789abcdefghij"
PLAIN_SECRET = "correct-horse-battery"


@dataclass(frozen=True)
class KeyResults:
    """The results by subject and check; of a subject that is a path, only the file's name."""

    code: int
    results: dict[tuple[str, str], Result]

    def __getitem__(self, place: tuple[str, str]) -> Result:
        return self.results[place]

    @property
    def verdicts(self) -> dict[tuple[str, str], str]:
        return {place: result.verdict.value for place, result in self.results.items()}


def check(path: str | None = None, *env_files: str) -> KeyResults:
    """Return the results, none of which shows a secret."""
    results = check_env(
        Path(path) if path else None, config=None, env_files=[Path(name) for name in env_files]
    )
    shown = "".join(result.message + result.remedy for result in results)
    assert SECRET not in shown
    assert PLAIN_SECRET not in shown
    return KeyResults(
        exit_code(results), {(Path(result.subject).name, result.check): result for result in results}
    )


def write_env_file(path: Path, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"A_KEY={SECRET}\n")
    path.chmod(mode)
    return path


def git(folder: Path, *arguments: str) -> None:
    who = {f"GIT_{role}_{what}": "t@t" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(
        [program("git"), "-C", folder, *arguments], env=os.environ | who, check=True, capture_output=True
    )


def run_remedy(home: Path, remedy: str) -> None:
    subprocess.run(remedy.partition(", commit")[0], shell=True, cwd=home, check=True, capture_output=True)
