"""`coderouter doctor`: results, their output, and the client that sends a model questions."""
