"""What a user without the command would write: one file after the other, in one process.

``python -m tests.proof.library.loop FOLDER MODELS MAX_S [URL]``: with the bundles at hand, or over
the API. Writes a line a file: its name, and its label of each task or its problem.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from service.answers import audio_info, task_result
from service.audio.decode import Limits, decode
from service.audio.files import audio_files
from service.client import Client
from service.errors import ServiceError
from service.inference.bundle import Bundle
from service.inference.classification import classify
from service.inference.grids import needed_rates_hz
from service.schemas import AllAnswers

Ask = Callable[[Path], AllAnswers]


def _with_bundles(models: Path, max_duration_s: float) -> Ask:
    bundles = {card.parent.name: Bundle.load(card.parent) for card in models.glob("*/card.json")}
    rates_hz = needed_rates_hz(bundles.values())
    limits = Limits(max_duration_s=max_duration_s)

    def ask(file: Path) -> AllAnswers:
        clip = decode(file.read_bytes(), rates_hz, limits)
        answers = classify(clip, bundles, timeline=False)
        results = {name: task_result(name, one, top_k=None) for name, one in answers.items()}
        return AllAnswers(audio=audio_info(clip, None, answers.values()), results=results)

    return ask


def main() -> int:
    """Ask about each file."""
    folder, models, max_s, *url = sys.argv[1:]
    ask = Client(url[0]).classify if url else _with_bundles(Path(models), float(max_s))
    for file in audio_files(Path(folder)):
        try:
            results = ask(file).results
            told = " ".join(f"{task}={results[task].label}" for task in sorted(results))
        except ServiceError as problem:
            told = problem.slug()
        sys.stdout.write(f"{file}\t{told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
