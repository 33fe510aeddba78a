"""The default location of the event file, how both command lines and the environment refer to it, and its companions."""

EVENTS_ENV = "CODEROUTER_EVENTS_PATH"
DEFAULT_EVENTS = "~/.coderouter/events.jsonl"
EVENTS_OFF = "off"
"""Instead of a path: the proxy writes no events."""
SPILL_SUFFIX = ".spill"
"""Of files in the proxy's state folder that hold what a process could not write to the event file."""
