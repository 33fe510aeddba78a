"""A command in a terminal of a given size: a real tmux, whose screen can be read."""

import secrets
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from support.processes import clean_environment, eventually
from support.programs import program

PROMPT = "ready> "


class Terminal:
    """A shell in tmux."""

    def __init__(self, tmux: str, socket: str) -> None:
        self._command = (tmux, "-L", socket)

    @property
    def screen(self) -> list[str]:
        """The lines on the screen now."""
        return self._tmux("capture-pane", "-p").splitlines()

    @property
    def styled(self) -> str:
        """The screen now, with the escape sequences of its styles."""
        return self._tmux("capture-pane", "-p", "-e")

    @property
    def colours(self) -> bool:
        """Whether anything on the screen has a colour now."""
        return "\x1b[3" in self.styled.replace("\x1b[39m", "")

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen is active, which full-screen programs use."""
        return self._tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    @property
    def cursor(self) -> bool:
        return self._tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"

    @property
    def child(self) -> psutil.Process:
        """The process that the shell is waiting for."""
        [child] = psutil.Process(int(self._tmux("display-message", "-p", "#{pane_pid}"))).children()
        return child

    def send_keys(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def resize(self, columns: int, lines: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def wait_for(self, words: str, within_s: float = 30) -> list[str]:
        """Wait until the words are on the screen, and return the screen."""

        def look() -> list[str]:
            screen = self.screen
            return screen if any(words in line for line in screen) else []

        try:
            return eventually(look, within_s)
        except AssertionError:
            shown = "\n".join(self.screen)
            raise AssertionError(f"{words!r} is not on the screen after {within_s:g} s:\n{shown}") from None

    def _tmux(self, *arguments: str) -> str:
        return subprocess.run((*self._command, *arguments), capture_output=True, text=True, check=True).stdout


@contextmanager
def terminal(columns: int, lines: int, *command: str | Path, env: Mapping[str, str]) -> Iterator[Terminal]:
    """Type the command into a new shell of that size."""
    socket = f"test-{secrets.token_hex(4)}"
    tmux = program("tmux")
    size = ("-x", str(columns), "-y", str(lines))
    environment = clean_environment(TERM="xterm-256color", LC_ALL="C.UTF-8", **env)
    subprocess.run(
        (tmux, "-L", socket, "-f", "/dev/null", "new-session", "-d", *size, "sh"), env=environment, check=True
    )
    try:
        opened = Terminal(tmux, socket)
        opened.send_keys(f"PS1='{PROMPT}'; clear; {shlex.join(map(str, command))}", "Enter")
        yield opened
    finally:
        subprocess.run((tmux, "-L", socket, "kill-server"), check=False)
