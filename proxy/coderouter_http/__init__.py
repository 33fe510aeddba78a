"""What both programs share: command lines, listening, logging to stderr, draining, the Host check."""
