"""Whether an answer holds for a changed recording, and for what has no label."""
