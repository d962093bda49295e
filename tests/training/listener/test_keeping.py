import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from training.listener import keeping
from training.listener.keeping import in_whole_numbers, listener_of
from training.listener.lessons import LEVELS, TARGETS, Lessons, columns
from training.listener.noises import NO_NOISES
from training.listener.study import as_levels
from training.networks import listener
from training.networks.musicnn import FRAMES, SPEC


def windows(count: int, band: int) -> NDArray[np.uint8]:
    """Return windows in which some bands sound."""
    drawn = np.random.default_rng(band).integers(0, 20, (count, FRAMES, SPEC.bands))
    drawn[:, :, band : band + 24] += LEVELS // 2
    return drawn.astype(np.uint8)


KINDS = np.repeat(np.arange(3), 8)
# Each kind has bands of its own.
MIXTURES = Lessons(
    np.concatenate([windows(8, 24 * kind) for kind in range(3)]),
    np.zeros((24, 1), np.float16),
    np.eye(3, dtype=np.float16)[KINDS],
)


@pytest.fixture(scope="module")
def student() -> keras.Model:
    """A student that knows nothing yet."""
    keras.utils.set_random_seed(0)
    return listener.build(sum(TARGETS.values()))


def made_of(student: keras.Model, noises: NDArray[np.uint8]) -> keras.Model:
    """Make a listener that has heard more often which kind is which, as there is little to hear."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "EPOCHS", 60)
        return listener_of(student, MIXTURES, 1, noises)


@pytest.fixture(scope="module")
def of_mixtures(student: keras.Model) -> keras.Model:
    """A listener that has heard no recorded noise."""
    return made_of(student, NO_NOISES)


def test_a_listener_tells_the_kinds_apart_that_its_lessons_were_made_of(
    student: keras.Model, of_mixtures: keras.Model
) -> None:
    said = np.asarray(of_mixtures(as_levels(MIXTURES.windows)))
    assert said.shape == (24, listener.UNITS)
    taught = np.asarray(student(as_levels(MIXTURES.windows[:3])))
    n_units = listener.Size().embedding
    np.testing.assert_allclose(
        said[:3, n_units : n_units + TARGETS["mn04_embedding"]],
        taught[:, columns("mn04_embedding")],
        atol=1e-4,
    )
    assert (said[:, -3:].argmax(axis=1) == KINDS).mean() > 0.9


def test_a_listener_in_whole_numbers_is_rounded_on_lessons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeping, "ROUNDED_ON", 5)
    heard = []
    monkeypatch.setattr(keeping, "round_off", lambda _, levels: heard.append(levels))
    drawn = np.random.default_rng(0).integers(0, LEVELS, (9, FRAMES, SPEC.bands))
    lessons = Lessons(
        drawn.astype(np.uint8), np.zeros((9, 1), np.float16), np.zeros((9, 3), np.float16)
    )

    in_whole_numbers(listener.build(4), lessons, seed=1)

    (levels,) = heard
    known = {window.tobytes() for window in as_levels(lessons.windows)}
    assert len({window.tobytes() for window in levels} & known) == 5


def test_recorded_noise_is_told_from_music_that_mixtures_alone_would_take_it_for(
    student: keras.Model, of_mixtures: keras.Model
) -> None:
    recorded = windows(6, 72)
    recorded[:, :, :24] += LEVELS // 4  # so it is nearest to music

    of_both = made_of(student, recorded)

    without, with_it = (
        np.asarray(heard(as_levels(recorded)))[:, -3:].argmax(axis=1) == 0
        for heard in (of_mixtures, of_both)
    )
    assert without.mean() > 0.5
    assert with_it.mean() < 0.2
