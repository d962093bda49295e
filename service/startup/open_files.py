"""How many files and connections the process may have open."""

import resource

from service.startup.refusal import StartRefused

# Models, logs, the sockets of decoders, and those of exporters and pages.
SPARE_FILES = 128
FILES_PER_WORKER = 4


def allow_open_files(max_connections: int, backlog: int, workers: int) -> None:
    """Raise the process's own limit where that is needed, as far as the system lets it.

    A service that runs out of them could neither take a connection nor replace a decoder. The
    backlog counts too: all of it may be taken from the system before one connection gives way.

    Raises
    ------
    StartRefused
        The system does not let it.
    """
    needed = max_connections + backlog + FILES_PER_WORKER * workers + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _suffices(soft, needed):
        return
    if not _suffices(hard, needed):
        raise StartRefused(
            f"SERVICE_MAX_CONNECTIONS={max_connections} needs {needed} open files, but the system "
            f"allows {hard} (ulimit -Hn). Lower the one or raise the other."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _suffices(limit: int, needed: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= needed
