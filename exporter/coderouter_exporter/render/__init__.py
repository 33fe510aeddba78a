"""Committed state to what readers get: metrics, JSON, health."""
