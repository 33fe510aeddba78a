"""Agents and frameworks from PyPI, a module each."""
