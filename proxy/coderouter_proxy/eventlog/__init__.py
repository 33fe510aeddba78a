"""Appending events to the event file."""
