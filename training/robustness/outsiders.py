"""Count how often a bundle is unsure, or hears no chord, of sounds that have none of its labels.

Noise and hum are rendered as they are for training, with other numbers: they tell whether it
was learned, not whether it carries over. The intervals take clips of one speaker as independent.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from service.audio.decode import Samples, clip_of
from service.audio.files import audio_files
from service.inference.bundle import Bundle
from service.inference.card import Estimate
from service.inference.classification import Classification, classify
from service.inference.grids import needed_rates_hz
from training.data.labels import NO_CHORD
from training.data.readers import AudioFile
from training.errors import TrainingError, UnreadableClip
from training.evaluation.evaluate import load_bundle
from training.evaluation.metrics import wilson_interval
from training.synthesis.noises import coloured_noise, hum

RATE_HZ = 22_050
NOISE_DURATION_S = 10.0
GAP_S = 0.1
SHORTEST_S = 0.5


@dataclass(frozen=True)
class OutsiderJob:
    """What to ask a bundle about.

    Attributes
    ----------
    bundle
        Folder of the bundle.
    folders
        Recordings that have none of its labels, such as speech.
    count
        How many clips of each folder, and of rendered noise and hum.
    joined_s
        Recordings are put together to clips of this length; None to take each alone.
    seed
        Seed of what is drawn and rendered.
    """

    bundle: Path
    folders: Sequence[Path]
    count: int
    joined_s: float | None
    seed: int


class OutsiderFigures(BaseModel):
    """Shares of the clips of one kind."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    n: int
    uncertain: Estimate
    no_chord: Estimate | None
    uncertain_or_no_chord: Estimate | None

    def summary(self) -> str:
        """Return the shares in words."""
        text = f"{self.kind}, {self.n} clips: {self.uncertain.value:.3f} uncertain"
        if self.no_chord and self.uncertain_or_no_chord:
            text += f", {self.no_chord.value:.3f} N, {self.uncertain_or_no_chord.value:.3f} either"
        return text


def count_outsiders(job: OutsiderJob) -> list[OutsiderFigures]:
    """Ask the bundle about rendered noise and about the recordings of each folder.

    Raises
    ------
    TrainingError
        The bundle cannot be loaded, or a folder has no recording that can be read.
    """
    bundle = load_bundle(job.bundle)
    rng = np.random.default_rng(job.seed)
    figures = [_figures("noise and hum", bundle, _rendered(job.count, rng), job.count)]
    for folder in job.folders:
        clips = _recordings(folder, job, rng)
        figures.append(_figures(folder.name, bundle, clips, job.count))
    return figures


def _figures(kind: str, bundle: Bundle, sounds: Iterable[Samples], count: int) -> OutsiderFigures:
    answers = [_ask(bundle, s) for s in tqdm(sounds, desc=kind, total=count, unit="clip")]
    if not answers:
        raise TrainingError(
            f"{kind} holds no recording of at least {SHORTEST_S} s that can be read; "
            "give a folder of WAV, MP3, FLAC or OGG."
        )
    unsure = np.array([answer.uncertain for answer in answers])
    silent = np.array([answer.label == NO_CHORD for answer in answers])
    hears_chords = NO_CHORD in bundle.card.labels
    return OutsiderFigures(
        kind=kind,
        n=len(answers),
        uncertain=wilson_interval(int(unsure.sum()), len(answers)),
        no_chord=wilson_interval(int(silent.sum()), len(answers)) if hears_chords else None,
        uncertain_or_no_chord=(
            wilson_interval(int((unsure | silent).sum()), len(answers)) if hears_chords else None
        ),
    )


def _ask(bundle: Bundle, samples: Samples) -> Classification:
    clip = clip_of(samples, RATE_HZ, needed_rates_hz([bundle]))
    return classify(clip, {"": bundle})[""]


def _rendered(count: int, rng: Generator) -> Iterator[Samples]:
    n_samples = round(NOISE_DURATION_S * RATE_HZ)
    for number in range(count):
        yield hum(n_samples, RATE_HZ, rng) if number % 2 else coloured_noise(n_samples, rng)


def _recordings(folder: Path, job: OutsiderJob, rng: Generator) -> Iterator[Samples]:
    """Return so many clips of a folder, as long as there are recordings to make them of."""
    sounds = _readable(folder, rng)
    for _ in range(job.count):
        parts: list[Samples] = []
        while (sound := next(sounds, None)) is not None:
            parts += [sound, np.zeros(round(GAP_S * RATE_HZ), np.float32)]
            if job.joined_s is None or sum(map(len, parts)) >= job.joined_s * RATE_HZ:
                break
        if not parts:
            return
        clip = np.concatenate(parts[:-1])
        yield clip if job.joined_s is None else clip[: round(job.joined_s * RATE_HZ)]


def _readable(folder: Path, rng: Generator) -> Iterator[Samples]:
    files = list(audio_files(folder))
    for i in rng.permutation(len(files)):
        try:
            samples = AudioFile(files[i]).samples(RATE_HZ)
        except UnreadableClip:
            continue
        if len(samples) >= SHORTEST_S * RATE_HZ and samples.any():
            yield samples
