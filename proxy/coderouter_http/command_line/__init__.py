"""What the command lines of both programs share: sub-commands, `--version`, addresses, the browser."""
