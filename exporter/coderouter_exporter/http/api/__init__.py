"""The JSON API under /api/v1: its endpoints with their parameters, and how they answer."""
