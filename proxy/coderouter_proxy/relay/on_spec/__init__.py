"""Answers that deviate from their wire, as the wire specifies them; one module for each wire."""
