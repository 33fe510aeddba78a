"""The log of both programs, on stderr: text for people, or JSON lines.

A write never waits for the reader of stderr: a terminal that is stopped, or a full pipe, would hold every request.
"""

import logging
import os
import select
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

LogFormat = Literal["text", "json"]

ACCESS_LOG = "coderouter.access"
"""The logger of finished requests."""
OURS = ("coderouter", "coderouter_events", "coderouter_http", "coderouter_proxy", "coderouter_exporter")

STDERR = 2
CHUNK_BYTES = 4096  # PIPE_BUF on Linux: writes of up to this size are not mixed with those of other processes

_COLOURS = {"DEBUG": "2", "INFO": "32", "WARNING": "33", "ERROR": "31", "CRITICAL": "31"}
_CONTROLS = {
    code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"
} | dict.fromkeys((0x2028, 0x2029), " ")


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    level: str = "info"
    format: LogFormat = "text"
    access_log: bool = True
    """Whether there is a line for each finished request."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message with fields: people get its text, JSON has the fields, which are a dataclass or a mapping."""

    name: str
    fields: Any
    text: Callable[[Any], str]

    def __str__(self) -> str:
        return self.text(self.fields)


def log_to_stderr(options: LogOptions) -> None:
    """Configure logging for this process; loggers of libraries never log below info."""
    handler = _StderrHandler()
    handler.setFormatter(_JsonFormatter() if options.format == "json" else _TextFormatter())
    level = logging.getLevelNamesMapping()[options.level.upper()]
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    for name in (ACCESS_LOG, "uvicorn.access"):
        logging.getLogger(name).setLevel(level if options.access_log else max(level, logging.WARNING))
    # What no format shows need not be found out for each line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class _TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__()
        self._coloured = os.isatty(STDERR) and _colours_wanted()

    def format(self, record: logging.LogRecord) -> str:
        time_text, level, text = self.formatTime(record), record.levelname, record.getMessage()
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        if not text.isprintable():  # what providers say must not control the terminal
            text = text.translate(_CONTROLS)
        if self._coloured:
            return f"\x1b[2m{time_text}\x1b[0m \x1b[{_COLOURS.get(level, '0')}m{level}\x1b[0m {text}"
        return f"{time_text} {level} {text}"


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        import orjson  # noqa: PLC0415 - quick help

        entry = record.msg
        fields = entry.fields if isinstance(entry, Entry) else {}
        head: dict[str, object] = {
            "ts": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "msg": _encodable(entry.name if isinstance(entry, Entry) else record.getMessage()),
        }
        if record.exc_info:
            head["exception"] = _encodable(self.formatException(record.exc_info))
        line = orjson.dumps(head)
        if fields:
            line = line[:-1] + b"," + orjson.dumps(fields)[1:]
        return line.decode()


class _StderrHandler(logging.Handler):
    """Drops lines that stderr does not take at once, and says how many when it takes lines again."""

    def __init__(self) -> None:
        super().__init__()
        self._fd = _descriptor()
        self._is_file = stat.S_ISREG(os.fstat(self._fd).st_mode)
        self._dropped = 0
        self._torn = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a log line must not fail what it is about
            self.handleError(record)
            return
        if self._dropped and self._write(self.format(_dropped(self._dropped))):
            self._dropped = 0
        if self._dropped or not self._write(line):
            self._dropped += 1

    def _write(self, line: str) -> bool:
        """Write the line and return whether stderr took all of it."""
        text = f"\n{line}\n" if self._torn else f"{line}\n"
        left = memoryview(text.encode(errors="backslashreplace"))
        begun = False
        while left:
            try:
                # A descriptor of our own does not block, but others may: those of sockets, and of other users.
                if not self._is_file and not select.select((), (self._fd,), (), 0)[1]:
                    break
                written = os.write(self._fd, left[:CHUNK_BYTES])
            except OSError:  # it is full after all, or nobody can read it any more
                break
            begun = True
            left = left[written:]
        if begun:
            self._torn = bool(left)
        return not left


def _descriptor() -> int:
    """Return stderr opened again without blocking; stderr itself where that is not possible.

    Other programs share the flags of stderr, so those stay as they are.
    """
    mode = os.fstat(STDERR).st_mode
    if stat.S_ISFIFO(mode) or os.isatty(STDERR):
        try:
            return os.open(f"/dev/fd/{STDERR}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:  # it belongs to another user
            pass
    return STDERR


def _dropped(count: int) -> logging.LogRecord:
    text = "%d log lines were dropped because stderr was not read"
    return logging.LogRecord(__name__, logging.WARNING, "", 0, text, (count,), None)


def _colours_wanted() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def _encodable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
