"""`coderouter doctor`: check results, their output, and the client that sends questions to a model."""
