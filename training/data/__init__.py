"""What there is to learn from: labels, splits, readers of every layout, cached features."""
