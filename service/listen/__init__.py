"""A client for the terminal: what a running service hears in a microphone or a file."""
