"""Filters that remove markup from answers: thinking, markers of the prompt format, remains of tool calls, raw bytes."""
