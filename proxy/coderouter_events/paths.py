"""The default location of the event file, and how both command lines and the environment refer to it."""

EVENTS_ENV = "CODEROUTER_EVENTS_PATH"
DEFAULT_EVENTS = "~/.coderouter/events.jsonl"
EVENTS_OFF = "off"
"""Instead of a path: the proxy writes no events."""
