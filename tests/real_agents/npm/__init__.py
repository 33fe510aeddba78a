"""Agents from npm, a module each."""
