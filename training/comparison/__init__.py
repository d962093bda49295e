"""Compare systems of features and network on one split: ``python -m training compare``."""
