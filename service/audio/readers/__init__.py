"""The ways to the samples of a file, behind one interface: a source."""
