"""Start the library command: ``python -m service.library``."""

import argparse
import importlib.util
import signal
import sys
from collections.abc import Sequence

NEEDED = ("distributed", "httpx", "mutagen", "pyarrow", "tqdm")
COULD_NOT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed; "
            "pip install 'music-classification-service[library]'\n"
        )
        return COULD_NOT
    from service.library.cli import parser  # noqa: PLC0415  # what it needs is there only now
    from service.library.command import execute  # noqa: PLC0415

    options: argparse.Namespace = parser().parse_args(arguments)
    # What ends services and containers ends it as Ctrl+C does, and it says that it goes on later.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return execute(options)


if __name__ == "__main__":
    sys.exit(main())
