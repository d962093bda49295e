"""Draw and write down what a run measured, or compare two."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from training.commands.command import Command
from training.commands.options import add_run
from training.commands.runs import finished


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="TASK",
        action=_OneOrTwo,
        help="a task, whose run is runs/TASK, or the folder of a run; of two, the second is "
        "compared with the first",
    )
    add_run(parser)
    parser.add_argument("--out", type=Path, help="folder of the report [RUN/report]")
    parser.add_argument(
        "--cache", type=Path, default=Path("runs/cache"), help="where features are [%(default)s]"
    )


def run(options: argparse.Namespace) -> None:
    """Draw and write down what a run measured, or compare two."""
    from training.data.cache import FeatureCache
    from training.results.report import report as write

    if len(options.runs) == 2:
        _compare_runs(options)
        return
    one = finished(options.runs[0], options.run)
    out = options.out or one.run.path / "report"
    write(one.recipe, one.run, out, FeatureCache(options.cache))
    logging.info("wrote %s", out / "report.html")


def _compare_runs(options: argparse.Namespace) -> None:
    from training.results.two_runs import compare_runs

    first, second = (finished(name) for name in options.runs)
    file = (options.out or second.run.path / "report") / f"against_{first.run.path.name}.html"
    logging.info("%s", compare_runs(first, second, file).summary())
    logging.info("wrote %s", file)


class _OneOrTwo(argparse.Action):
    """Refuse more than two runs."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,  # noqa: ARG002  # as argparse calls it
    ) -> None:
        """Keep the names."""
        if values is not None and len(values) > 2:
            parser.error("give one run, or two to compare")
        setattr(namespace, self.dest, values)


COMMAND = Command(
    "report",
    "draw and write down what a run measured",
    add_options,
    run,
)
