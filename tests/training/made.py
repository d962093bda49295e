"""Make small data sets with known answers, in the layouts that people have."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.inference.features import FeatureSpec, FilterBank, Grid
from tests.audio import encode, noise, tone
from training.data.labels import CHORDS, NO_CHORD, QUALITIES
from training.data.readers import LabelledClip
from training.errors import UnreadableClip
from training.synthesis.guitar import GuitarSound, render_chord
from training.synthesis.sounds import render_no_chord

GUITAR_RATE_HZ = 11_025
GUITAR_CLIP_S = 1.2
MOOD_RATE_HZ = 8_000
MOOD_CLIP_S = 0.6


@dataclass(frozen=True)
class Named:
    """A source that is nothing but its name."""

    name: str

    def content_key(self) -> str:
        return self.name

    def grid(self, spec: FeatureSpec, bank: FilterBank) -> Grid:  # noqa: ARG002
        raise UnreadableClip("has no content")


def make_clip(
    label: str = "Am",
    group: str = "someone",
    *,
    name: str = "clip.wav",
    data_set: str = "made",
    split: str = "extra",
) -> LabelledClip:
    """Return a labelled clip without content."""
    return LabelledClip(Named(name), label, data_set, group, split)


def write_wav(path: Path, samples: NDArray[np.float32], rate_hz: int) -> Path:
    """Write a WAV file, and the folders above it; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(samples, rate_hz))
    return path


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    """Write a CSV, and the folders above it; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def strum(label: str, *, seed: int = 0, duration_s: float = GUITAR_CLIP_S) -> NDArray[np.float32]:
    """Render the chord of a label, at ``GUITAR_RATE_HZ``."""
    rng = np.random.default_rng(seed)
    if label == NO_CHORD:
        return render_no_chord(duration_s, GUITAR_RATE_HZ, rng)
    root, quality = divmod(CHORDS.index(label), len(QUALITIES))
    return render_chord(root, QUALITIES[quality], duration_s, GUITAR_RATE_HZ, rng, GuitarSound())


def write_guitar_chords_v3(
    folder: Path,
    *,
    chords: Sequence[str] = ("Am", "Bdim"),
    players: Sequence[str] = ("Classic_Jo", "electric_Isabel", "AcusticPlug26"),
    takes: int = 2,
    test_players: Sequence[str] = (),
) -> Path:
    """Write chords under the names that guitar-chords-v3 gives its files; return the folder."""
    for split, names in (("Training", players), ("Test", test_players)):
        for p, player in enumerate(names):
            for chord in chords:
                for take in range(1, takes + 1):
                    write_wav(
                        folder / split / chord / f"{chord}_{player}_{take}.wav",
                        strum(chord, seed=100 * p + take),
                        GUITAR_RATE_HZ,
                    )
    return folder


def write_moods(folder: Path, splits: Sequence[str] = ("extra",)) -> Path:
    """Write three low and three high tones, each its own group, for each of the splits."""
    rows = []
    for split in splits:
        for n in range(6):
            name = f"{split}-{n}.wav"
            sound = tone((300, 2_500)[n % 2], MOOD_CLIP_S, rate_hz=MOOD_RATE_HZ)
            hiss = noise(MOOD_CLIP_S, rate_hz=MOOD_RATE_HZ, amplitude=0.05, seed=n)
            write_wav(folder / name, sound + hiss, MOOD_RATE_HZ)
            data_set = "first" if n < 4 else "second"
            rows.append((name, ("sad", "happy")[n % 2], f"{split}-artist-{n}", data_set, split))
    return write_csv(folder / "emotion.csv", ("file", "emotion", "group", "dataset", "split"), rows)
