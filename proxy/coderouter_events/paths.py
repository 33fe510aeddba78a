"""The event file and what lies beside it: default location, names, and how the environment refers to them."""

EVENTS_ENV = "CODEROUTER_EVENTS_PATH"
DEFAULT_EVENTS = "~/.coderouter/events.jsonl"
EVENTS_OFF = "off"
"""Instead of a path: the proxy writes no events."""
SPILL_SUFFIX = ".spill"
"""Of files in the proxy's state folder that hold what a process could not write to the event file."""
