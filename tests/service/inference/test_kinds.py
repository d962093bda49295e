from pathlib import Path

import numpy as np
import pytest

from service.inference.bundle import Bundle
from service.inference.classification import classify
from tests.audio import RATE_HZ, tone
from tests.bundles import GENRES, band_centre_hz, edit_card, write_bundle
from tests.service.inference.asking import decoded

KINDS = {"labels": ["music", "speech", "noise"], "uncertain_below": 0.5, "fitted_on": "made up"}


@pytest.fixture
def with_kinds(tmp_path: Path) -> Bundle:
    """Return a bundle whose last three bands stand for music, speech and noise."""
    folder = write_bundle(tmp_path / "genre", embedding_gain=20.0, uncertain_below=0.0)
    edit_card(folder, kinds=KINDS)
    return Bundle.load(folder)


@pytest.mark.parametrize(("band", "instead"), [(1, None), (2, "speech"), (3, "noise")])
def test_what_is_no_music_is_uncertain_and_named(
    with_kinds: Bundle, band: int, instead: str | None
) -> None:
    samples = tone(band_centre_hz(band, len(GENRES)))

    answer = classify(decoded(samples), {"it": with_kinds})["it"]

    assert answer.heard_instead == instead
    assert answer.uncertain == (instead is not None)
    assert answer.kinds.sum() == pytest.approx(1)
    assert answer.kinds.argmax() == band - 1


def test_a_clip_is_of_each_kind_as_long_as_that_sounds(with_kinds: Bundle) -> None:
    music, speech = (tone(band_centre_hz(band, len(GENRES)), 3.0) for band in (1, 2))

    answer = classify(decoded(np.concatenate([music, speech])), {"it": with_kinds})["it"]

    assert answer.kinds[:2] == pytest.approx([0.5, 0.5], abs=0.1)


def test_silence_is_not_taken_for_another_kind(with_kinds: Bundle) -> None:
    answer = classify(decoded(np.zeros(RATE_HZ, np.float32)), {"it": with_kinds})["it"]

    assert answer.uncertain
    assert answer.heard_instead is None


def test_without_kinds_nothing_is_said_of_them(genre: Bundle) -> None:
    answer = classify(decoded(tone(440)), {"it": genre})["it"]

    assert answer.kinds.shape == (0,)
    assert answer.heard_instead is None
