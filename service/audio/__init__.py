"""What a recording is: decoded, bounded, mixed, resampled, and what is wrong with it."""
