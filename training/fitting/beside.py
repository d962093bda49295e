"""What is learned from beside labelled clips: further lists, folders, rendered sounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.audio.files import audio_files
from service.inference.context import Context
from service.inference.features import FilterBank, compute_grid
from training.data.labels import OUTSIDE, UNLABELLED
from training.data.readers import AudioFile, LabelledClip, read_data_sets
from training.errors import TrainingError
from training.fitting.items import NO_COMMENT, NO_CONTEXT, Item
from training.networks.context import hear_samples
from training.recipes import Recipe
from training.synthesis.sampled_guitar import sampled_guitars

OUTSIDERS_PER_GROUP = 15
OUTSIDERS_PER_FOLDER = 300


@dataclass(frozen=True)
class Beside:
    """What the user has to learn from beside labelled data.

    Attributes
    ----------
    outside
        Folders of recordings that have none of the labels, such as speech.
    soundfonts
        SoundFonts whose guitars play half of the rendered chords.
    songs
        Folders of songs with their chords beside them.
    context
        A finished model that listens to the clips; None for recipes without.
    """

    outside: Sequence[Path] = ()
    soundfonts: Sequence[Path] = ()
    songs: Sequence[Path] = ()
    context: Context | None = None


NOTHING_BESIDE = Beside()


def further_audio(
    clips: Sequence[LabelledClip], recipe: Recipe, data: Sequence[Path]
) -> list[LabelledClip]:
    """Return further audio, listed for another task or known here as a ready grid.

    It is used without its label of this task: a grid's label is known already, and its
    audio may not have the grid's group.
    """
    known = {clip.source.name for clip in clips}
    refused = {*recipe.validation.left_out, *recipe.validation.held_back}
    found = {
        clip.source.name: clip
        for task in recipe.supplement.further
        for clip in listed_audio(data, task)
        if clip.source.name not in known and clip.split not in refused
    }
    return list(found.values())


def outside_audio(
    recipe: Recipe, data: Sequence[Path], folders: Sequence[Path], seed: int
) -> list[LabelledClip]:
    """Return audio that has none of the labels, some of each guitar and of each folder."""
    rng = np.random.default_rng(seed)
    listed = [clip for task in recipe.supplement.outside for clip in listed_audio(data, task)]
    found = [_draw(_of_folder(folder), OUTSIDERS_PER_FOLDER, rng) for folder in folders]
    for group in sorted({clip.group for clip in listed}):
        members = [clip for clip in listed if clip.group == group]
        found.append(_draw(members, OUTSIDERS_PER_GROUP, rng))
    return [clip for part in found for clip in part]


def _of_folder(folder: Path) -> list[LabelledClip]:
    name = f"outside:{folder.name}"
    files = list(audio_files(folder))
    if not files:
        raise TrainingError(f"{folder} holds no audio; give a folder of WAV, MP3, FLAC or OGG.")
    return [LabelledClip(AudioFile(path), "", name, name) for path in files]


def _draw(clips: Sequence[LabelledClip], most: int, rng: np.random.Generator) -> list[LabelledClip]:
    return [clips[i] for i in rng.permutation(len(clips))[:most]]


def listed_audio(data: Sequence[Path], task: str) -> list[LabelledClip]:
    """Return the audio that data sets list for a task."""
    lists = [path / f"{task}.csv" for path in data]
    clips = read_data_sets([path for path in lists if path.exists()], task)
    return [clip for clip in clips if isinstance(clip.source, AudioFile)]


def outside_index(recipe: Recipe) -> int:
    """Return the index of what has none of the labels: maybe one of the recipe's own."""
    label = recipe.supplement.outside_label
    return OUTSIDE if label is None else recipe.labels.index(label)


def rendered(recipe: Recipe, bank: FilterBank, seed: int, beside: Beside) -> list[Item]:
    """Return what the recipe has rendered, half of it by the user's guitars if there are any."""
    rendering, rate_hz = recipe.supplement.rendering, recipe.inputs.features.sample_rate_hz
    if rendering is None:
        return []
    rng = np.random.default_rng(seed)
    guitars = [guitar for font in beside.soundfonts for guitar in sampled_guitars(font, rate_hz)]
    items = []
    for number in range(rendering.count):
        sampled = guitars and number % 2
        pluck = guitars[int(rng.integers(len(guitars)))].pluck if sampled else None
        label, samples = rendering.render(rate_hz, rng, pluck)
        grid = compute_grid(samples, recipe.inputs.features, bank).astype(np.float16)
        index = OUTSIDE if label is None else recipe.labels.index(label)
        companion = OUTSIDE if label is None else UNLABELLED
        context = NO_CONTEXT
        if beside.context is not None:
            context = hear_samples(beside.context, samples, rate_hz)
        items.append(Item("synthetic", index, [grid], NO_COMMENT, 1.0, companion, context))
    return items
