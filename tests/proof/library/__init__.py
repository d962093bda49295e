"""A library through the command: what it costs beside plain loops, and what kills cost."""

import argparse
import csv
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from service.cores import available_cores
from tests.proof.library.kills import killed_command, killed_workers
from tests.proof.library.music import Made, library_in
from tests.proof.library.spent import Spent, cpu_s, spend
from tests.proof.memory import resident_mib
from tests.server import service_process

WAYS = ("process", "api", "command", "url")
TASKS = ("chord", "emotion", "genre")


@dataclass(frozen=True)
class Place:
    """Where things are, and how the command is told to work."""

    music: Path
    models: Path
    work: Path
    processes: int
    max_duration_s: float

    def command(self, out: Path, *more: str) -> list[str]:
        """Return the command that writes a table of the library."""
        told = {
            "--out": out,
            "--models": self.models,
            "--processes": self.processes,
            "--max-duration-s": self.max_duration_s,
        }
        options = [str(part) for pair in told.items() for part in pair]
        return [sys.executable, "-m", "service.library", str(self.music), *options, *more]

    def loop(self, *more: str) -> list[str]:
        """Return the command of a plain loop."""
        told = (str(self.music), str(self.models), str(self.max_duration_s))
        return [sys.executable, "-m", "tests.proof.library.loop", *told, *more]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this proof."""
    parser.add_argument("--data", type=Path, required=True, help="recordings to make files from")
    parser.add_argument("--files", type=int, default=10_000, help="[%(default)s]")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each file [%(default)s]")
    parser.add_argument("--processes", type=int, default=available_cores(), help="[%(default)s]")
    parser.add_argument(
        "--max-duration-s", type=float, default=900.0, help="as the command has it [%(default)s]"
    )
    parser.add_argument("--work", type=Path, help="keep the files and tables here [nowhere]")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="[all]")
    parser.add_argument("--runs", type=int, default=1, help="of each way, in turn [%(default)s]")
    parser.add_argument(
        "--no-kills",
        dest="kills",
        action="store_false",
        help="measure costs alone; tables after kills are compared with that of the way command",
    )


def run(options: argparse.Namespace, models: Path, log: Path) -> bool:
    """Make the files, take each way, kill what works on them; tell whether all tables agree."""
    with ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        music, made = library_in(work, options.data, options.files, options.seconds)
        place = Place(music, models.absolute(), work, options.processes, options.max_duration_s)
        holds = [_ways(place, made, options.ways, number, log) for number in range(options.runs)]
        if options.kills and "command" in options.ways:
            whole = place.work / "command.csv"
            holds += [
                killed(place.command, whole, made.files - made.copies, place.work)
                for killed in (killed_command, killed_workers)
            ]
    return all(holds)


def _ways(place: Place, made: Made, ways: list[str], number: int, log: Path) -> bool:
    """Take the ways one after the other, in the other order each time; compare their answers."""
    answers: dict[str, dict[str, str]] = {}
    for way in ways if number % 2 == 0 else reversed(ways):
        spent, answers[way] = _take(way, place, log)
        sys.stdout.write(f"{way}: {spent.describe(made.files)}\n")
        sys.stdout.flush()
    first = answers[ways[0]]
    same = len(first) == made.files
    for way, told in answers.items():
        other = sum(told.get(file) != answer for file, answer in first.items())
        sys.stdout.write(f"{way}: {len(told)} answers, {other} unlike those of {ways[0]}\n")
        same = same and other == 0
    return same


def _take(way: str, place: Place, log: Path) -> tuple[Spent, dict[str, str]]:
    if way == "process":
        return _spent_in_loop(place.loop(), place.work / "process.txt")
    if way == "command":
        return _spent_in_command(place, place.work / "command.csv")
    with service_process(
        place.models, log, workers=place.processes, max_duration_s=place.max_duration_s
    ) as (server, client):
        before_s = cpu_s(server.pid)
        url = str(client.base_url)
        if way == "api":
            spent, told = _spent_in_loop(place.loop(url), place.work / "api.txt")
        else:
            spent, told = _spent_in_command(place, place.work / "url.csv", "--url", url)
        of_server_s = cpu_s(server.pid) - before_s
        memory_mib = resident_mib(server.pid)
    return spent.plus(of_server_s, memory_mib), told


def _spent_in_loop(arguments: list[str], out: Path) -> tuple[Spent, dict[str, str]]:
    spent = spend(arguments, out)
    lines = out.read_text("utf-8").splitlines()
    return spent, {file: told for file, _, told in (line.partition("\t") for line in lines)}


def _spent_in_command(place: Place, out: Path, *more: str) -> tuple[Spent, dict[str, str]]:
    spent = spend(place.command(out, "--fresh", "--quiet", *more), out.with_suffix(".log"))
    with out.open(encoding="utf-8", newline="") as file:
        return spent, {row["file"]: _told(row) for row in csv.DictReader(file)}


def _told(row: dict[str, str]) -> str:
    """Return of a row what the plain loop tells."""
    return row["problem"] or " ".join(f"{task}={row[f'{task}_label']}" for task in TASKS)
