"""The metric families, one row each."""
