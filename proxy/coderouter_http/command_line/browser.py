"""Opening a page in the user's browser, where there is one."""

import os
import sys


def open_page(url: str) -> bool:
    """Open the page, and return whether there is a browser for it."""
    import webbrowser  # noqa: PLC0415 - quick help

    return _has_display() and webbrowser.open(url)


def _has_display() -> bool:
    """Return whether a browser could open a window: a text browser would take over the terminal."""
    displays = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in displays)
