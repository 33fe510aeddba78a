"""Append events to the event file."""
