"""What is changed to learn more from a clip: recordings and windows of features."""
