"""`coderouter stats` and `coderouter dashboard`."""
