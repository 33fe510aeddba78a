"""What the documents say to run, run."""
