"""Filters that take markup out of answers: thinking, markers of the prompt format, remains of tool calls, raw bytes."""
