"""Take from the decoder's process what no decoder needs: files, the network, other processes.

Two locks of Linux, each of which holds without the other. Landlock lets the process open no file
and no TCP port. A seccomp filter lets it make only the calls to the system that decoding in memory
needs: all others are answered with ``EPERM``. Neither can be undone, and threads that are begun
later have both.

Both are set by the bare system calls, because no package in the standard library does.
"""

import ctypes
import logging
import os
import platform
import resource
import struct
import sys

logger = logging.getLogger(__name__)

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

# The same on every architecture.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_ASK_VERSION = 1
# How many kinds of access to files each version of Landlock knows, the last for all later ones.
_FILE_ACCESS_BITS = (13, 14, 15, 15, 16)
_NETWORK_ACCESS = 0b11  # bind and connect of TCP
_NETWORK_SINCE = 4
_SCOPES = 0b11  # abstract sockets and signals beyond this process
_SCOPES_SINCE = 6

# Calls that decoding in memory, Python and the C library make, with their numbers on the two
# architectures: x86-64 and arm64. Those that are there only on the first have no second number.
_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "poll": (7, None),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "exit": (60, 93),
    "fcntl": (72, 25),
    "gettimeofday": (96, 169),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "time": (201, None),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "ppoll": (271, 73),
    "set_robust_list": (273, 99),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "rseq": (334, 293),
}
# Of these it depends on an argument: its place, whether all or any of its bits count, their value.
_CHECKED = {
    "clone": ((56, 220), 0, "any", 0x10000),  # a thread, no process
    "ioctl": ((16, 29), 1, "all", 0x5421),  # whether a socket waits
    "prlimit64": ((302, 261), 0, "all", 0),  # limits of its own
}
_TGKILL = ((234, 131), 0, "all")  # signals to itself, as in abort(), but to nobody else
_CLONE3 = 435
# Of an architecture in an audit record, and where it stands among the numbers above.
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000
_EPERM = 1
_ENOSYS = 38  # the C library then begins threads by the older call
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
# Instructions of the kernel's packet filter: its word, and how many to skip if so and if not.
_LOAD, _IF_EQUAL, _IF_ANY_BIT, _ANSWER = 0x20, 0x15, 0x45, 0x06

_Instruction = tuple[int, int, int, int]


def close_off() -> None:
    """Lock this process up for good; say in the log what this system cannot lock.

    Whatever will be needed must have been imported and opened before.
    """
    if sys.platform != "linux":
        logger.warning("the decoder may open files and connections: this is not Linux")
        return
    system = ctypes.CDLL(None, use_errno=True)
    for what, lock in (
        ("Landlock", _lock_files),
        ("a limit of open files", _lock_descriptors),
        ("seccomp", _lock_calls),  # last, because it forbids the others
    ):
        try:
            _must(system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
            lock(system)
        except OSError as error:
            logger.warning("the decoder runs without %s: %s", what, error.strerror or error)


def _lock_files(system: ctypes.CDLL) -> None:
    version = _must(
        system.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_ASK_VERSION)
    )
    files = (1 << _FILE_ACCESS_BITS[min(version, len(_FILE_ACCESS_BITS)) - 1]) - 1
    network = _NETWORK_ACCESS if version >= _NETWORK_SINCE else 0
    scopes = _SCOPES if version >= _SCOPES_SINCE else 0
    # A kernel that knows only the first entries takes the others if they are zero.
    rules = ctypes.create_string_buffer(struct.pack("=QQQ", files, network, scopes), 24)
    ruleset = _must(system.syscall(_LANDLOCK_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0))
    try:
        # Not one rule that allows anything: everything that was named is forbidden.
        _must(system.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _lock_descriptors(_system: ctypes.CDLL) -> None:
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    except ValueError as error:
        raise OSError(str(error)) from error


def _lock_calls(system: ctypes.CDLL) -> None:
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise OSError(f"its filter is not known for {machine}")
    code = b"".join(struct.pack("=HBBI", *line) for line in _filter(*_ARCHITECTURES[machine]))
    lines = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(
        struct.pack("@HP", len(code) // 8, ctypes.addressof(lines))
    )
    _must(system.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0))


def _filter(architecture: int, column: int) -> list[_Instruction]:
    """Return the filter as instructions of the kernel's packet filter."""
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IF_EQUAL, 1, 0, architecture),
        (_ANSWER, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for numbers in _ALLOWED.values():
        number = numbers[column]
        if number is not None:
            lines += [(_IF_EQUAL, 0, 1, number), (_ANSWER, 0, 0, _ALLOW)]
    lines += [(_IF_EQUAL, 0, 1, _CLONE3), (_ANSWER, 0, 0, _ERRNO | _ENOSYS)]
    for numbers, argument, bits, value in (*_CHECKED.values(), (*_TGKILL, os.getpid())):
        lines += [
            (_IF_EQUAL, 0, 4, numbers[column]),
            # The lower half, which is all that the kernel looks at in these.
            (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument),
            (_IF_EQUAL if bits == "all" else _IF_ANY_BIT, 0, 1, value),
            (_ANSWER, 0, 0, _ALLOW),
            (_ANSWER, 0, 0, _ERRNO | _EPERM),
        ]
    return [*lines, (_ANSWER, 0, 0, _ERRNO | _EPERM)]


def _must(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
