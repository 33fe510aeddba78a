"""The mistakes of a first user, and what is reported to them."""
