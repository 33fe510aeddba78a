"""`coderouter service`: both programs as services of one user, with systemd or launchd."""
