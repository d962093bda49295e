"""Classify whole libraries: ``python -m service.library``."""
