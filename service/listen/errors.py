"""What can keep a client from listening."""


class ListenError(Exception):
    """Nothing can be heard; the message tells how to mend it."""
