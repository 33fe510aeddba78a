"""Responses: client side, request translation, event writer, and the state that clients refer to."""
