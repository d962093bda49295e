"""A small network of our own that learns to hear what several larger ones hear."""
