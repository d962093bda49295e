"""Measure how fast it is: beside bare decoding and the plain way, each figure with its goal.

The service runs on one core, at capacity also on two; the client on any, at capacity on the same.
Other work on the machine makes times by the clock longer; processor time stands beside them.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.proof.speed import answers, capacity, lengths, loop, start
from tests.proof.speed.rows import Row, as_json, table

STARTS = 5
PARTS = ("start", "answers", "loop", "capacity", "lengths", "fast")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this proof."""
    cores = sorted(os.sched_getaffinity(0))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="[all]")
    parser.add_argument("--core", type=int, default=cores[-1], help="to run on [%(default)s]")
    parser.add_argument("--rounds", type=int, default=20, help="of answers [%(default)s]")
    parser.add_argument("--seconds", type=float, default=30.0, help="at capacity [%(default)s]")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")


def run(options: argparse.Namespace, models: Path, log: Path) -> bool:
    """Measure what is asked for; tell whether all goals are met."""
    core = options.core
    cores = [core, *sorted(os.sched_getaffinity(0) - {core})]
    measures: dict[str, Callable[[], Iterator[Row]]] = {
        "start": partial(start.measure, models, log, core, STARTS),
        "answers": partial(answers.measure, models, log, core, options.rounds),
        "loop": partial(loop.measure, models, log, core),
        "capacity": partial(capacity.measure, models, log, cores, options.seconds),
        "lengths": partial(lengths.measure, models, log, core, lengths.LENGTHS_S),
        "fast": partial(lengths.measure_fast, models, log, core),
    }
    rows = [row for part in options.parts for row in measures[part]()]
    sys.stdout.write(table(rows))
    if options.json is not None:
        options.json.write_text(as_json(rows))
    return all(row.met for row in rows)
