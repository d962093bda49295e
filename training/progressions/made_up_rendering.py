"""Render songs of made-up sequences into a folder, to learn the chords that pop songs have few of.

What is there already stays, so an interrupted rendering goes on.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.data.song_folder import write_jams
from training.progressions.made_up_lessons import OF_TRIADS, WITH_OTHERS, WITH_SEVENTHS
from training.progressions.rendering import RATE_HZ, keep_recording
from training.progressions.songs import GUITARS, render_song, write_song
from training.synthesis.soundfont import require_fluidsynth


def render_made_up(out: Path, soundfonts: Sequence[Path], *, count: int, seed: int) -> int:
    """Render what is missing; return how many songs are there.

    Parameters
    ----------
    out
        Where the recordings go.
    soundfonts
        What plays them, in turn.
    count
        How many songs.
    seed
        Of everything drawn.
    """
    for soundfont in soundfonts:
        require_fluidsynth(soundfont)
    out.mkdir(parents=True, exist_ok=True)
    guitars = list(GUITARS)
    for n in tqdm(range(count), desc="songs", unit="song"):
        turn, which = divmod(n, len(soundfonts))
        soundfont = soundfonts[which]
        group = f"made-up-{n}"
        truth = out / f"{group}-{soundfont.stem}-{seed}.jams"
        if truth.exists():
            continue
        rng = np.random.default_rng([seed, n, *soundfont.stem.encode()])
        written = write_song(
            rng, guitars[turn % len(guitars)], WITH_SEVENTHS + OF_TRIADS + WITH_OTHERS
        )
        song = render_song(written, soundfont, RATE_HZ)
        keep_recording(truth, song.samples)
        write_jams(truth, song.annotation, None, float(song.edges_s[-1]), {"group": group})
    return count
