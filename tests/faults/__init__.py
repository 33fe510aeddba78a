"""`make faults`: system calls on event files and state fail with each errno, once and for as long as it lasts."""
