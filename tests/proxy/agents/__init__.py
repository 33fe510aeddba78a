"""The settings of agents: table, files, commands."""
