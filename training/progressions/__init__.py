"""Music whose chords are known over time, and how well a run names and places them."""
