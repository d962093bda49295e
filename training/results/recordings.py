"""Find the recordings of a run again, to look at them, to hear them, and to find copies."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import soundfile
from PIL import Image

from service.inference.features import FeatureSpec, FilterBank
from training.data.cache import FeatureCache, HalfGrid
from training.data.clip_keys import ClipKey, clip_keys
from training.data.near_duplicates import near_duplicates
from training.data.preparation import PreparedClip, prepare
from training.data.readers import AudioFile, LabelledClip
from training.errors import UnreadableClip

if TYPE_CHECKING:
    from training.fitting.run_folder import RunFolder  # which loads TensorFlow

PLAYER_RATE_HZ = 16_000
PLAYED_S = 10
MOST_FRAMES_DRAWN = 400
# Comparing all with all takes minutes beyond.
MOST_COMPARED = 3_000


@dataclass(frozen=True)
class Lens:
    """The features through which recordings are looked at.

    Attributes
    ----------
    spec, bank
        Which features.
    cache
        Where they are kept.
    """

    spec: FeatureSpec
    bank: FilterBank
    cache: FeatureCache

    def see(self, clips: Sequence[LabelledClip]) -> list[PreparedClip]:
        """Return the clips that can be read, with their grids."""
        return prepare(clips, self.spec, self.bank, self.cache).clips


def clips_at_hand(run: "RunFolder") -> list[LabelledClip]:
    """Return the clips of a run whose audio files are where they were."""
    return [
        LabelledClip(AudioFile(Path(row["clip"])), row["label"], row["data_set"], row["group"])
        for row in run.inputs()
        if Path(row["clip"]).is_file()
    ]


def files_of(run: "RunFolder") -> dict[ClipKey, Path]:
    """Return the audio files of a run that are where they were, by what the folds know of them."""
    rows = run.inputs()
    keys = clip_keys([(row["data_set"], row["group"], row["clip"]) for row in rows])
    files = {key: Path(row["clip"]) for key, row in zip(keys, rows, strict=True)}
    return {key: file for key, file in files.items() if file.is_file()}


def copies_across(clips: Sequence[LabelledClip], lens: Lens) -> tuple[int, list[tuple[str, str]]]:
    """Find recordings that are in two groups, and so may be on both sides of the split.

    Returns
    -------
    compared
        How many clips were compared, 0 if they are too many.
    pairs
        Names of clips of two groups that hold the same recording.
    """
    if not clips or len(clips) > MOST_COMPARED:
        return 0, []
    ready = lens.see(clips)
    pairs = near_duplicates([one.grid for one in ready]) if ready else []
    known = [(ready[one].clip, ready[other].clip) for one, other in pairs]
    return len(ready), [(a.source.name, b.source.name) for a, b in known if a.group != b.group]


def spectrogram(path: Path, lens: Lens) -> str | None:
    """Return a picture of a clip's features as a PNG in Base64; None if it cannot be read."""
    ready = lens.see([LabelledClip(AudioFile(path), "", "", "")])
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
