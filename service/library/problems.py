"""What ends a run of the library command, and what a file's row tells beside the API's problems."""

from service.errors import ServiceError


class UnreadableFile(ServiceError):
    """The file does not exist or may not be read. Mend that and redo the problems."""

    title = "Unreadable file"


class WorkerKilled(ServiceError):
    """The processes that worked on the file died, again and again, such as for want of memory."""

    title = "Worker killed"


class LibraryError(Exception):
    """The run cannot begin or go on; the message says how to mend it."""
