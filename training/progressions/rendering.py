"""Render songs of POP909 with a band into a folder, so that their chords are known.

What is there already stays, so an interrupted rendering goes on. Each song is drawn from its
number, its font and the seed, and is the same whatever else is rendered.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from service.audio.decode import Samples
from service.files import written_whole
from training.augmentation.degradation import degrade
from training.data.readers.pop909 import Pop909Song, read_pop909
from training.data.song_folder import write_jams
from training.synthesis.band import Arrangement, arrange
from training.synthesis.soundfont import render_midi, require_fluidsynth

logger = logging.getLogger(__name__)

RATE_HZ = 22_050
FIRST_START_S = 5.0
WORN_SHARE = 0.2  # of the songs sound through an amplifier, a room, noise
PEAK = 0.7


@dataclass(frozen=True)
class RenderJob:
    """What to render.

    Attributes
    ----------
    pop909
        The folder of the songs.
    soundfonts
        What plays them, in turn.
    out
        Where the recordings go.
    held_out
        Whether to take the songs that are for measuring alone, or all others.
    count
        How many songs at most.
    duration_s
        How much of each.
    seed
        Of everything drawn.
    exact_notes
        Whether instruments play exactly the notes of the chords in all songs; else most keep the
        accompaniment that was written for them.
    """

    pop909: Path
    soundfonts: Sequence[Path]
    out: Path
    held_out: bool
    count: int
    duration_s: float
    seed: int
    exact_notes: bool = False


def render(job: RenderJob) -> int:
    """Render what is missing; return how many songs are there."""
    for soundfont in job.soundfonts:
        require_fluidsynth(soundfont)
    songs = [song for song in read_pop909(job.pop909) if song.held_out == job.held_out]
    order = np.random.default_rng(job.seed).permutation(len(songs))[: job.count]
    job.out.mkdir(parents=True, exist_ok=True)
    for n, which in enumerate(tqdm(order, desc="songs", unit="song")):
        _render_one(job, songs[which], job.soundfonts[n % len(job.soundfonts)])
    return len(order)


def _render_one(job: RenderJob, song: Pop909Song, soundfont: Path) -> None:
    name = f"{song.folder.name}-{soundfont.stem}-{job.seed}"
    truth = job.out / f"{name}.jams"
    if truth.exists():
        return
    rng = np.random.default_rng([job.seed, int(song.folder.name), *soundfont.stem.encode()])
    last_s = float(song.chords.intervals_s[-1, 1])
    start_s = rng.uniform(FIRST_START_S, max(FIRST_START_S + 1, last_s - job.duration_s))
    arrangement = arrange(
        song.chords,
        song.keys,
        song.beats_s,
        song.notes(),
        rng,
        start_s=start_s,
        duration_s=min(job.duration_s, last_s - start_s),
        exact_notes=job.exact_notes,
    )
    keep_recording(truth, _perform(arrangement, soundfont, rng))
    # The truth comes last: where it is, all is.
    write_jams(
        truth,
        arrangement.chords,
        arrangement.keys,
        arrangement.duration_s,
        {"tuning_cents": round(arrangement.detune_cents, 2), "group": song.folder.name},
    )


def keep_recording(truth: Path, samples: Samples) -> None:
    """Write a recording as loud as all others beside where its truth will lie."""
    loudest = max(float(np.abs(samples).max()), 1e-6)
    level = samples * (PEAK / loudest)
    with written_whole(truth.with_suffix(".flac")) as partial:
        soundfile.write(partial, level, RATE_HZ, format="FLAC", subtype="PCM_16")


def _perform(arrangement: Arrangement, soundfont: Path, rng: np.random.Generator) -> Samples:
    n_samples = round(arrangement.duration_s * RATE_HZ)
    played = render_midi(arrangement.midi(), soundfont, RATE_HZ)[:n_samples]
    samples = np.pad(played, (0, n_samples - len(played)))
    if rng.random() < WORN_SHARE:
        samples = degrade(samples, RATE_HZ, rng)
    return samples
