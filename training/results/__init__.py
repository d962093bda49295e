"""What comes of a run: figures, report and bundle."""
