"""Run a proof against the shipped models: ``python -m tests.proof fuzz``."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.proof import copies, fuzz, hosts, library, load, slow, soak, speed, stream

PROOFS = {
    "copies": copies,
    "fuzz": fuzz,
    "hosts": hosts,
    "library": library,
    "load": load,
    "slow": slow,
    "soak": soak,
    "speed": speed,
    "stream": stream,
}


def main() -> int:
    """Run the proof that is asked for; return 0 if it holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    commands = parser.add_subparsers(dest="proof", required=True)
    for name, module in PROOFS.items():
        command = commands.add_parser(name, help=module.__doc__, description=module.__doc__)
        command.add_argument("--models", type=Path, default=Path("models"), help="[%(default)s]")
        module.add_options(command)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        holds = PROOFS[options.proof].run(options, options.models, Path(folder) / "service.log")
    sys.stdout.write(f"{options.proof}: {'holds' if holds else 'DOES NOT HOLD'}\n")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
