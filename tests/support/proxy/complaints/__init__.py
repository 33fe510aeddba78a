"""Refusals in the words of real servers, by topic."""
