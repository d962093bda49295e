from pathlib import Path

import numpy as np
import pytest

from training.data.readers import AudioFile, LabelledClip
from training.data.splits import group_fold_plan
from training.listener.probing import clip_mean, probe
from training.networks.musicnn import FRAMES, SPEC


def clips(n: int) -> list[LabelledClip]:
    return [
        LabelledClip(AudioFile(Path(f"{i}.wav")), ("happy", "sad")[i % 2], "set", f"artist{i // 4}")
        for i in range(n)
    ]


def test_what_can_be_heard_is_known_of_groups_that_were_not_learned_from() -> None:
    listed, rng = clips(80), np.random.default_rng(0)
    sad = np.array([[clip.label == "sad"] for clip in listed], np.float32)
    heard = np.concatenate([sad, rng.standard_normal((80, 3))], axis=1).astype(np.float32)
    folds = group_fold_plan(listed, n_folds=4, split=None, seed=0)

    said = probe(heard, listed, folds, held_back=())

    assert len(said.truth) == 80
    assert (said.answers == said.truth).mean() > 0.95


def test_knowing_the_artists_does_not_help() -> None:
    listed = clips(80)
    by_artist = [
        LabelledClip(clip.source, ("happy", "sad")[i // 4 % 2], "set", clip.group)
        for i, clip in enumerate(listed)
    ]
    heard = np.eye(20, dtype=np.float32)[[i // 4 for i in range(80)]]
    folds = group_fold_plan(by_artist, n_folds=4, split=None, seed=0)

    said = probe(heard, by_artist, folds, held_back=())

    assert (said.answers == said.truth).mean() < 0.6


def test_a_clip_is_the_mean_of_its_windows() -> None:
    grid = np.concatenate([np.zeros((FRAMES, SPEC.bands)), np.ones((FRAMES, SPEC.bands))]).astype(
        np.float32
    )

    mean = clip_mean(lambda windows: windows.mean(axis=(1, 2))[:, np.newaxis], grid)

    assert mean == pytest.approx(0.5)
