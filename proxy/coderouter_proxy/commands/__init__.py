"""The sub-commands of `coderouter`, one module each; heavy imports wait until a command runs."""
