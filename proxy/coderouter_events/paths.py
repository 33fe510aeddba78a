"""Where the event file and the state of either program are by default, and what both command lines call them."""

EVENTS_ENV = "CODEROUTER_EVENTS_PATH"
DEFAULT_EVENTS = "~/.coderouter/events.jsonl"
EVENTS_OFF = "off"
"""Instead of a path: the proxy writes no events."""
