"""Bytes of lines to typed records and columns of numbers."""
