"""Why the service does not start."""


class StartRefused(Exception):
    """The service cannot start as it is set up; the text says how to mend that."""
