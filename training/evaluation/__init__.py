"""How good answers are: metrics, calibration, and any bundle on any labelled data."""
