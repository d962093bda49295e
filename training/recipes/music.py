"""What the recipes of genre and emotion have in common: they hear the same, and of the same."""

from numpy.random import Generator

from service.inference.card import KindsSpec
from service.inference.features import Grid
from service.inference.windows import WindowSpec
from training.augmentation import alterations
from training.networks import listener
from training.networks.musicnn import FRAMES, SPEC
from training.recipes.fit_settings import CHOSEN, FitSettings
from training.recipes.recipe import Inputs, Rendering
from training.synthesis.guitar import Pluck
from training.synthesis.sounds import render_no_music
from training.synthesis.waveform import Waveform

NO_MUSIC_DURATION_S = 3.5
UNSEEN = "each clip judged by a network that saw no clip of its group"
PRETRAINED_CAVEAT = (
    "the listener heard four fifths of the clips without their labels, and the songs that its "
    "teachers learned from are unknown and may include the artist"
)

KINDS = KindsSpec(
    labels=list(listener.KINDS),
    uncertain_below=0.5,
    fitted_on="mixtures of music, speech and rendered noise, by their shares of power, and "
    "recorded noises; see training/notes/listener.md",
)
INPUTS = Inputs(
    features=SPEC.model_copy(update={"loudness_lufs": listener.LOUDNESS_LUFS}),
    windows=WindowSpec(frames=FRAMES, stride_frames=FRAMES, short="repeat"),
    backbone=listener.pretrained,
    kinds=KINDS,
)
FIT = FitSettings(
    epochs=40,
    batches_per_epoch=60,
    batch_size=128,
    peak_learning_rate=1e-3,
    weight_decay=1e-2,
    label_smoothing=0.1,
    mixup_alpha=0.4,
    # Without, genre gives up as much balanced accuracy as it gains accuracy, or more.
    patience=15,
    # On few clips the hidden layer is often worse than a linear one.
    head=CHOSEN,
)


def augment(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    """Change pitch, tone and bandwidth, mask, and drown in noise."""
    window = alterations.shift_bands(window, int(rng.integers(-2, 3)))
    window = alterations.tilt(window, rng, most=0.06)
    window = alterations.mask(window, rng, most=16)
    window = alterations.drown(window, rng, most=0.4)
    return alterations.limit_band(window, rng, lowest=66), label


def _render_no_music(
    sample_rate_hz: int, rng: Generator, pluck: Pluck | None
) -> tuple[None, Waveform]:
    return None, render_no_music(NO_MUSIC_DURATION_S, sample_rate_hz, rng, pluck)


NO_MUSIC = Rendering(400, _render_no_music)
