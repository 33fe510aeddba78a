"""From records to counts: plans of what each event adds, and the loop that adds it."""
