"""The mistakes of a first user, and what they are told."""
