"""What a command is."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command of the training job.

    Attributes
    ----------
    name
        How it is called.
    summary
        What it does, in a line without its full stop.
    add_options
        Tells a parser what the command can be told.
    run
        Does it.
    details
        What is shown below its options.
    needs_tensorflow
        Whether that is loaded once the options are known to be good.
    reads_clips
        Whether the data must hold labelled clips of the recipe's task.
    """

    name: str
    summary: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]
    details: str | None = None
    needs_tensorflow: bool = True
    reads_clips: bool = False

    def add_to(self, commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
        """Add it to those that a command line may name."""
        parser = commands.add_parser(
            self.name,
            help=self.summary,
            description=f"{self.summary[0].upper()}{self.summary[1:]}.",
            epilog=self.details,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,  # --out would be taken for --outside
        )
        parser.add_argument(
            "--quiet", action="store_true", help="show warnings and errors alone, and no progress"
        )
        parser.add_argument(
            "--log-format",
            choices=("text", "json"),
            default="text",
            help="how log lines are written [%(default)s]",
        )
        self.add_options(parser)
        parser.set_defaults(command=self, refuse=parser.error)
