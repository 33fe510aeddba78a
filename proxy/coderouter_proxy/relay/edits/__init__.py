"""What is changed in answers that stay on their wire, one module for each wire."""
