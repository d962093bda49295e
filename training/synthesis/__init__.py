"""Sounds that are made: guitars, chords, basses, drums, noise."""
