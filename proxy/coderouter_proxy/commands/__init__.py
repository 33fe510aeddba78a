"""The sub-commands of `coderouter`, one module each; heavy modules are imported only when a command runs."""
