"""What is kept as rows beside the document: requests, days, and the minutes and hours of each provider."""
