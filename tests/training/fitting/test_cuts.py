from pathlib import Path

import numpy as np
import pytest

from service.inference.features import compute_grid
from tests.audio import tone
from tests.training.made import MOOD_CLIP_S, MOOD_RATE_HZ, write_moods
from tests.training.tiny import TOY, TOY_ON_TOP
from training.data.cache import FeatureCache
from training.data.filter_banks import make_bank
from training.fitting import cuts
from training.fitting.cuts import CUTS_S, Lengths, hear_lengths
from training.fitting.items import Material
from training.fitting.material import gather
from training.recipes import Recipe

SHORTER_S = [s for s in CUTS_S if s < MOOD_CLIP_S]


def hear(folder: Path, recipe: Recipe = TOY) -> tuple[Material, Lengths]:
    cache = FeatureCache(folder / "cache")
    material = gather(recipe, [write_moods(folder / "data")], cache, teacher=None, seed=1)
    backbone = recipe.inputs.make_backbone()
    return material, hear_lengths(recipe, material, cache, backbone=backbone, context=None)


def test_clips_are_cut_to_every_length_that_is_shorter(tmp_path: Path) -> None:
    material, lengths = hear(tmp_path)

    assert lengths.durations_s == pytest.approx(MOOD_CLIP_S, abs=0.05)
    assert {s: len(grids) for s, grids in lengths.cuts.items()} == {
        s: len(material.clips) if s in SHORTER_S else 0 for s in CUTS_S
    }
    spec = TOY.inputs.features
    sound = tone(300, SHORTER_S[-1], rate_hz=MOOD_RATE_HZ)
    frames = len(compute_grid(sound, spec, make_bank(spec)))
    for grid in lengths.cuts[SHORTER_S[-1]].values():
        assert len(grid) == pytest.approx(frames, abs=1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lengths:
    """What a backbone hears of cuts, as many at once as usual."""
    return hear(tmp_path_factory.mktemp("whole"), TOY_ON_TOP)[1]


@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_on_a_backbone_cuts_are_embedded_whatever_the_number_at_once(
    whole: Lengths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(cuts, "CLIPS_AT_ONCE", at_once)
    _, parts = hear(tmp_path, TOY_ON_TOP)

    for cut_s in SHORTER_S:
        for place, embedding in whole.cuts[cut_s].items():
            assert embedding.shape[1:] == TOY_ON_TOP.inputs.backbone().output_shape[1:]  # type: ignore[misc]
            np.testing.assert_allclose(parts.cuts[cut_s][place], embedding, atol=2e-3)
