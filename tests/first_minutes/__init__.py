"""A first user's minutes on a clean machine, with make, with uv, and beside other products: `make first-minutes`."""
