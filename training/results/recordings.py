"""Find the recordings of a run again, to look at them, to hear them, and to find copies."""

import base64
import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import soundfile
from PIL import Image

from training.data.cache import FeatureCache, HalfGrid
from training.data.filter_banks import make_bank
from training.data.near_duplicates import near_duplicates
from training.data.preparation import prepare
from training.data.readers import AudioFile, LabelledClip
from training.errors import UnreadableClip
from training.fitting.run_folder import RunFolder
from training.recipes import Recipe

PLAYER_RATE_HZ = 16_000
PLAYED_S = 10
MOST_FRAMES_DRAWN = 400
# Comparing all with all takes minutes beyond.
MOST_COMPARED = 3_000

Key = tuple[str, str, str]
"""Data set, group and file name of a clip, which the folds know it by."""


def files_of(run: RunFolder) -> dict[Key, Path]:
    """Return the audio files of a run that are where they were."""
    found = {}
    for row in run.inputs():
        path = Path(row["clip"])
        if path.is_file():
            found[row["data_set"], row["group"], path.name] = path
    return found


def copies_across(
    recipe: Recipe, run: RunFolder, cache: FeatureCache
) -> tuple[int, list[tuple[str, str]]]:
    """Find recordings that are in two groups, and so may be on both sides of the split.

    Returns
    -------
    compared
        How many clips were at hand to be compared, 0 if they are too many.
    pairs
        Names of clips of two groups that hold the same recording.
    """
    clips = [
        LabelledClip(AudioFile(path), "", data_set, group)
        for (data_set, group, _), path in files_of(run).items()
    ]
    if not clips or len(clips) > MOST_COMPARED:
        return 0, []
    spec = recipe.inputs.features
    ready = prepare(clips, spec, make_bank(spec), cache).clips
    pairs = near_duplicates([one.grid for one in ready]) if ready else []
    known = [(ready[one].clip, ready[other].clip) for one, other in pairs]
    return len(ready), [(a.source.name, b.source.name) for a, b in known if a.group != b.group]


def spectrogram(recipe: Recipe, path: Path, cache: FeatureCache) -> str | None:
    """Return a picture of a clip's features as a PNG in Base64; None if it cannot be read."""
    spec = recipe.inputs.features
    clip = LabelledClip(AudioFile(path), "", "", "")
    ready = prepare([clip], spec, make_bank(spec), cache).clips
    return png(ready[0].grid) if ready else None


def png(grid: HalfGrid) -> str:
    """Draw a grid, the lowest band below, as a PNG in Base64."""
    step = max(1, len(grid) // MOST_FRAMES_DRAWN)
    levels = np.clip(grid[::step].astype(np.float32).T[::-1], 0, 1)
    colours = (255 * mpl.colormaps["magma"](levels)[:, :, :3]).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")


def mp3(path: Path) -> str | None:
    """Return the beginning of a recording as an MP3 in Base64; None if it cannot be read."""
    try:
        samples = AudioFile(path).samples(PLAYER_RATE_HZ)[: PLAYED_S * PLAYER_RATE_HZ]
    except UnreadableClip:
        return None
    file = io.BytesIO()
    soundfile.write(file, samples, PLAYER_RATE_HZ, format="MP3")
    return base64.b64encode(file.getvalue()).decode("ascii")
