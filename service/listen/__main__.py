"""Listen to the microphone, or to a file at its own pace: ``python -m service.listen``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from service.listen.conversation import address, converse
from service.listen.display import Display
from service.listen.errors import ListenError
from service.listen.sources import INSTALL, FileSource, MicrophoneSource, Source, sounddevice

KEY_VARIABLE = "MUSIC_API_KEY"
URL = "ws://127.0.0.1:8000"
HELP = f"""
Sends what sounds to a running service and shows what it hears, while it sounds: the time, the
level, and for each task the answer for the last moment, its confidence, and in brackets the
answer for all that was heard so far. A question mark means that the model is not sure.

Without a file, it listens to the microphone. That needs

  {INSTALL}

and the library PortAudio (Debian: apt install libportaudio2). Ctrl+C asks for the last answer.
"""
EXAMPLES = """
examples:
  python -m service.listen                            the microphone, all tasks
  python -m service.listen --task chord               only chords
  python -m service.listen song.mp3                   a file, as fast as it plays
  python -m service.listen song.mp3 --fast --json     a file, as fast as it is heard, for programs
  python -m service.listen --devices                  which microphones there are
  python -m service.listen --url https://music.example.org --task genre
"""
FAILED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Listen until the end; return the exit code."""
    options = parser().parse_args(arguments)
    try:
        if options.devices:
            sys.stdout.write(f"{sounddevice().query_devices() or 'no sound devices'}\n")
            return 0
        display = Display(sys.stdout, options.task, as_json=options.json)
        converse(address(options.url, options.task), options.key, _source(options), display.show)
    except ListenError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    except KeyboardInterrupt:  # a second time: not even the last answer is wanted
        return FAILED
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m service.listen",
        description=HELP,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("file", nargs="?", type=Path, help="instead of the microphone")
    made.add_argument("--url", default=URL, help="where the service is [%(default)s]")
    made.add_argument("--task", help="genre, chord or emotion; without it, all")
    made.add_argument(
        "--key",
        default=os.environ.get(KEY_VARIABLE),
        help=f"API key, where one is needed; better in the variable {KEY_VARIABLE}",
    )
    made.add_argument("--device", help="number or part of the name of a microphone")
    made.add_argument("--devices", action="store_true", help="list the microphones and end")
    made.add_argument("--fast", action="store_true", help="send a file as fast as it is heard")
    made.add_argument("--json", action="store_true", help="write each answer as a line of JSON")
    return made


def _source(options: argparse.Namespace) -> Source:
    if options.file is not None:
        return FileSource(options.file, fast=options.fast)
    return MicrophoneSource(options.device)


if __name__ == "__main__":
    sys.exit(main())
