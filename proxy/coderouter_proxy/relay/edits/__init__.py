"""Edits of answers that stay on their wire, one module for each wire."""
