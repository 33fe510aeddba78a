"""The loop: poll, fold, commit, publish; and what wakes it."""
