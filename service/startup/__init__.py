"""What is looked at before the service starts: a mistake is told at once, in words for people."""
