"""What requests say about providers, with how certain that is: comparisons and suggestions."""
