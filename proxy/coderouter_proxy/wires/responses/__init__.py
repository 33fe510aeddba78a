"""Responses: both sides, request translation, event reader and writer, and the state that clients refer to."""
