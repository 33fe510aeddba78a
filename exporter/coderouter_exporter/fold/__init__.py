"""Records to counts."""
