"""Write tiny model bundles with a known answer.

The filter bank is one triangle per label, and the network answers with the mean level
of each band: a tone at :func:`band_centre_hz` of a label is answered with that label.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from service.inference.bundle_files import (
    BANK_FILE,
    CARD_FILE,
    CONTEXT_BANK_FILE,
    CONTEXT_FILE,
    EMBEDDING_FILE,
    HASHED_FILES,
    MODEL_FILE,
    OPTIONAL_FILES,
    RATINGS_FILE,
    file_sha256,
)
from service.inference.card import (
    Calibration,
    Card,
    ContextSpec,
    Estimate,
    Evaluation,
    Rating,
    TrainingRecord,
)
from service.inference.features import FeatureSpec, FilterBank
from service.inference.windows import WindowSpec
from tests.goldens import write_golden
from tests.networks import LOGITS_PER_LEVEL, write_embedding, write_linear, write_network

GENRES = ("blues", "classical", "jazz", "rock")
CHORDS = ("Am", "C", "F#m", "N", "Bdim")
EMOTIONS = ("happy", "sad")

SAMPLE_RATE_HZ = 8_000
FFT_SAMPLES = 256


def write_bundle(
    folder: Path,
    *,
    task: str | None = None,
    labels: tuple[str, ...] = GENRES,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    frames: int = 32,
    stride_frames: int = 16,
    temperature: float = 1.0,
    uncertain_below: float = 0.5,
    version: str = "1.0.0",
    embedding_gain: float | None = None,
    rating_bands: Mapping[str, int] | None = None,
    context_rate_hz: int | None = None,
) -> Path:
    """Write a valid bundle and return its folder; the task is the folder's name by default.

    With a gain, the levels are averaged and amplified by a network of their own. A rating is
    the level of its band, times ``LOGITS_PER_LEVEL``.

    With a rate for a context, which needs a gain too, another network of the same kind hears the
    whole clip, in windows half as long: the higher its mean for a label, the higher the logit.
    """
    folder.mkdir(parents=True)
    features = triangles(labels, sample_rate_hz)
    windows = WindowSpec(frames=frames, stride_frames=stride_frames)
    bank = triangular_bank(features)
    np.save(folder / BANK_FILE, bank)
    if embedding_gain is not None:
        write_embedding(folder / EMBEDDING_FILE, bands=len(labels), gain=embedding_gain)
        frames = 1
    of_levels = LOGITS_PER_LEVEL * np.eye(len(labels), dtype=np.float32)
    context, weights = None, of_levels
    if context_rate_hz is not None:
        context = ContextSpec(
            features=triangles(labels, context_rate_hz),
            windows=WindowSpec(frames=windows.frames // 2, stride_frames=stride_frames),
        )
        write_context(folder, context)
        # For the embedding, then for the means and the deviations that the context heard.
        weights = np.concatenate([of_levels, of_levels, 0 * of_levels])
    write_linear(folder / MODEL_FILE, weights, frames=frames)
    if rating_bands is not None:
        rated = of_levels[:, list(rating_bands.values())]
        write_linear(folder / RATINGS_FILE, rated, frames=frames)
    write_golden(folder, features, windows, bank, context)
    card = make_card(
        task=task or folder.name,
        labels=labels,
        features=features,
        windows=windows,
        context=context,
        temperature=temperature,
        uncertain_below=uncertain_below,
        version=version,
        ratings=list(rating_bands or ()),
        sha256=hashes(folder),
    )
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=2), "utf-8")
    return folder


def write_models(folder: Path) -> Path:
    """Write a bundle for each of the three tasks under a folder and return it."""
    write_bundle(folder / "genre", labels=GENRES)
    # Another frame length and rate, so that the tasks share nothing by accident.
    write_bundle(folder / "chord", labels=CHORDS, sample_rate_hz=11_025, frames=16)
    write_bundle(folder / "emotion", labels=EMOTIONS, temperature=2.0)
    return folder


def edit_card(folder: Path, **changes: object) -> None:
    """Replace top-level entries of a bundle's card."""
    card = json.loads((folder / CARD_FILE).read_bytes())
    (folder / CARD_FILE).write_text(json.dumps(card | changes), "utf-8")


def rehash(folder: Path) -> None:
    """Write the present hashes into the card, as if training had made the files like this."""
    edit_card(folder, sha256=hashes(folder))


def hashes(folder: Path) -> dict[str, str]:
    """Return the hash of every file that the card must know."""
    also = [name for name in OPTIONAL_FILES if (folder / name).exists()]
    return {name: file_sha256(folder / name) for name in (*HASHED_FILES, *also)}


def band_centre_hz(label_index: int, n_labels: int, sample_rate_hz: int = SAMPLE_RATE_HZ) -> float:
    """Return the frequency that a label's band weighs most."""
    return sample_rate_hz / 2 * (label_index + 1) / (n_labels + 1)


def triangles(labels: Sequence[str], sample_rate_hz: int) -> FeatureSpec:
    """Return the features of one band per label."""
    return FeatureSpec(
        name="triangles",
        sample_rate_hz=sample_rate_hz,
        fft_samples=FFT_SAMPLES,
        hop_samples=FFT_SAMPLES // 2,
        bands=len(labels),
        spectrum="power",
        range_db=80.0,
    )


def triangular_bank(spec: FeatureSpec) -> FilterBank:
    """Return one triangle per band, evenly spaced up to half the sampling rate."""
    bins_hz = np.fft.rfftfreq(spec.fft_samples, 1 / spec.sample_rate_hz)
    width_hz = spec.sample_rate_hz / 2 / (spec.bands + 1)
    centres_hz = [
        band_centre_hz(band, spec.bands, spec.sample_rate_hz) for band in range(spec.bands)
    ]
    triangles = [np.clip(1 - np.abs(bins_hz - c) / width_hz, 0, None) for c in centres_hz]
    return np.stack(triangles).astype(np.float32)


def write_context(folder: Path, context: ContextSpec) -> None:
    """Write a network, and its filter bank, that answers with the level of each band."""
    np.save(folder / CONTEXT_BANK_FILE, triangular_bank(context.features))
    bands = context.features.bands
    write_network(folder / CONTEXT_FILE, frames=context.windows.frames, bands=bands, labels=bands)


def make_card(
    *,
    task: str,
    labels: tuple[str, ...],
    features: FeatureSpec,
    windows: WindowSpec,
    sha256: dict[str, str],
    temperature: float = 1.0,
    uncertain_below: float = 0.5,
    version: str = "1.0.0",
    ratings: Sequence[str] = (),
    context: ContextSpec | None = None,
) -> Card:
    """Return a card whose contract is as given and whose figures are made up."""
    half = Estimate(value=0.5, low=0.4, high=0.6)
    return Card(
        task=task,
        version=version,
        summary=f"A tiny network that tells {' from '.join(labels)}.",
        labels=list(labels),
        features=features,
        windows=windows,
        context=context,
        calibration=Calibration(
            temperature=temperature, uncertain_below=uncertain_below, fitted_on="nothing"
        ),
        ratings=[Rating(name=name, meaning="made up", evaluation=[]) for name in ratings],
        training=TrainingRecord(
            command="python -m training fit",
            data_sets={"made up": 10},
            clips_skipped=0,
            split="none",
            seed=0,
            epochs=1,
            parameters=len(labels) ** 2 + len(labels),
            code_version="0",
            trained_on="2024-01-31",
            licence_note="none",
        ),
        evaluation=[
            Evaluation(
                data_set="made up",
                protocol="none",
                n=10,
                accuracy=half,
                balanced_accuracy=half,
                macro_f1=half,
                ece=half,
                per_class_recall=dict.fromkeys(labels, half),
                confusion_matrix=np.eye(len(labels), dtype=int).tolist(),
                confusion_labels=list(labels),
            )
        ],
        not_for=["anything but tests"],
        sha256=sha256,
    )
