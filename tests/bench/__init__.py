"""Measure what the project costs, relative to the simplest program that does the same work in the same run."""
