"""The command line of the library command."""

import argparse
import os
from pathlib import Path

from service.arguments import number_from_zero, positive_number, positive_whole, share
from service.audio.decode import Limits
from service.cores import available_cores
from service.library.question import MIB, Question
from service.library.tags import TagRules

DESCRIPTION = """\
Classify whole libraries: genre, chord, mood and energy of every file, in one table.

PATH is a file, a folder (with all below it), a pattern such as 'music/**/*.mp3', a playlist
(.m3u, .m3u8), a manifest (.csv or .parquet with the column 'file'), or a URL such as
s3://bucket/music, when fsspec's package for it is installed.
"""
EPILOG = """\
What was answered is kept in a file beside the table as it comes. Whatever ends the command, the
same command goes on where it was. Files that have an answer are not read again, unless --redo
says so.

exit codes:
  0  every file has its answers
  1  the table is complete, and some of its rows tell a problem instead
  2  the command cannot begin or go on; the message says why, and what was answered is kept
  130  interrupted by Ctrl+C or SIGTERM; the same command goes on

examples:
  python -m service.library ~/Music --out music.parquet
  python -m service.library ~/Music --out music.csv --tasks chord --chords labs
  python -m service.library list.m3u --out list.jsonl --url http://localhost:8000
  python -m service.library /nas/music --out music.parquet --scheduler tcp://host:8786
"""
REDO = ("changed", "models", "problems")
PATIENCE_S = 300.0


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    root = argparse.ArgumentParser(
        prog="python -m service.library",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("paths", nargs="+", metavar="PATH", help="what to classify, see above")
    root.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="the table: .parquet, .csv or .jsonl",
    )
    _add_question(root)
    _add_engine(root)
    _add_state(root)
    _add_tags(root)
    root.add_argument("--quiet", action="store_true", help="no progress bar")
    return root


def question_of(options: argparse.Namespace, tasks: tuple[str, ...]) -> Question:
    """Return what the table is to tell of each file."""
    return Question(
        tasks=tasks,
        timeline=options.timeline,
        top_k=options.top_k,
        embedding=options.embeddings,
        start_s=options.start_s,
        duration_s=options.duration_s,
        max_bytes=round(options.max_mib * MIB),
        max_duration_s=options.max_duration_s,
    )


def _add_question(root: argparse.ArgumentParser) -> None:
    asked = root.add_argument_group("what is asked")
    asked.add_argument(
        "--tasks",
        type=_names,
        metavar="NAMES",
        help="such as genre,emotion [all that there are]",
    )
    asked.add_argument(
        "--timeline", action="store_true", help="also answer for each stretch of time"
    )
    asked.add_argument(
        "--top-k",
        type=positive_whole,
        metavar="N",
        help="probabilities of the N most probable labels only",
    )
    asked.add_argument(
        "--embeddings",
        action="store_true",
        help="also give what the network hears as a vector, to search for similar music",
    )
    asked.add_argument(
        "--start-s",
        type=number_from_zero,
        default=Question.model_fields["start_s"].default,
        metavar="S",
        help="hear each file from here on [%(default)g]",
    )
    asked.add_argument(
        "--duration-s",
        type=positive_number,
        metavar="S",
        help="hear so many seconds of each file [to its end]",
    )
    asked.add_argument(
        "--chords",
        type=Path,
        metavar="FOLDER",
        help="also write each file's chords over time there, as .lab files",
    )
    asked.add_argument(
        "--max-duration-s",
        type=positive_number,
        default=Limits.max_duration_s,
        metavar="S",
        help="files that play longer are told as a problem; memory grows with it [%(default)g]",
    )
    asked.add_argument(
        "--max-mib",
        type=positive_number,
        default=256.0,
        metavar="MIB",
        help="larger files are told as a problem; memory grows with it [%(default)g]",
    )


def _add_engine(root: argparse.ArgumentParser) -> None:
    engine = root.add_argument_group("who does the work")
    engine.add_argument(
        "--models",
        type=Path,
        default=Path(os.environ.get("SERVICE_MODELS_DIR", "models")),
        metavar="FOLDER",
        help="the bundles, at the same place for all workers [%(default)s]",
    )
    engine.add_argument(
        "--processes",
        type=positive_whole,
        default=available_cores(),
        metavar="N",
        help="worker processes on this machine [%(default)s, the cores]",
    )
    engine.add_argument(
        "--scheduler", metavar="ADDRESS", help="a Dask cluster, such as tcp://host:8786, instead"
    )
    engine.add_argument("--url", help="a running service instead, such as http://host:8000")
    engine.add_argument(
        "--api-key-file", type=Path, metavar="FILE", help="holds the key, if the service asks"
    )
    engine.add_argument(
        "--patience-s",
        type=positive_number,
        default=PATIENCE_S,
        metavar="S",
        help="how long to wait for a service that is busy or away [%(default)g]",
    )


def _add_state(root: argparse.ArgumentParser) -> None:
    state = root.add_argument_group("what is kept from one run to the next")
    state.add_argument(
        "--state", type=Path, metavar="FILE", help="where answers are kept [OUT.state]"
    )
    state.add_argument(
        "--redo",
        nargs="+",
        choices=REDO,
        default=(),
        help="do again: files that changed (other size or time, and then other content), files "
        "answered by other models than the present ones, files that had a problem",
    )
    state.add_argument("--fresh", action="store_true", help="forget all answers first")


def _add_tags(root: argparse.ArgumentParser) -> None:
    tags = root.add_argument_group("tags of the files")
    tags.add_argument(
        "--write-tags",
        action="store_true",
        help="tell which genre, mood and energy would be written into the files; with --yes, do",
    )
    tags.add_argument("--yes", action="store_true", help="really write tags")
    tags.add_argument(
        "--genres",
        type=positive_whole,
        default=TagRules.genres,
        metavar="N",
        help="at most so many genres [%(default)s]",
    )
    tags.add_argument(
        "--min-confidence",
        type=share,
        default=TagRules.min_confidence,
        metavar="P",
        help="nothing that is less probable [%(default)s]",
    )
    tags.add_argument("--overwrite-tags", action="store_true", help="also over tags that are there")


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.replace(",", " ").split())
    if not names:
        raise argparse.ArgumentTypeError("no task is named")
    return names
