from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.songs import SongSense, SongSpec
from service.inference.timeline import TimelineSpec, label_segments
from service.inference.windows import Segment

# Two roots of two qualities, and a label without a root: a, A, b, B and N.
SEEN_FROM = np.array([[0, 1, 2, 3, 4], [2, 3, 0, 1, 4]])
N_LABELS = 5
SPEC = SongSpec(least_roots=2, change_probability=0.5, key_weight=0.5)
ANYTHING = np.random.default_rng(0)


def arrays_of(**changes: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
    """Return numbers with which windows are heard as they are, and all changes are alike."""
    change = np.full((1, N_LABELS, N_LABELS), 1 / (N_LABELS - 1))
    change[0][np.diag_indices(N_LABELS)] = 0
    return {
        "seen_from": SEEN_FROM,
        "offsets": np.array([-1, 0, 1]),
        "hidden": np.zeros((3 * N_LABELS, 4)),
        "hidden_bias": np.zeros(4),
        "output": np.zeros((4, 2)),
        "output_bias": np.zeros(2),
        "rootless": np.zeros(3),
        "rootless_bias": np.zeros(1),
        "own": np.full(1, 3.0),
        "common": np.array([[0.6, 0.1, 0.1, 0.1, 0.1]]),
        "change": change,
        "modes": np.ones(1),
        **changes,
    }


def rows(*labels: int, sure: float = 0.8) -> NDArray[np.float64]:
    probabilities = np.full((len(labels), N_LABELS), (1 - sure) / (N_LABELS - 1))
    probabilities[np.arange(len(labels)), labels] = sure
    return probabilities


def random_arrays() -> dict[str, NDArray[np.generic]]:
    arrays = arrays_of()
    names = ("hidden", "hidden_bias", "output", "output_bias", "rootless", "own")
    return arrays | {name: ANYTHING.standard_normal(arrays[name].shape) for name in names}


def test_without_weights_windows_are_heard_as_they_are() -> None:
    probabilities = rows(0, 3, 4)
    assert SongSense(arrays_of(), SPEC).heard(probabilities) == pytest.approx(probabilities)


def test_what_is_heard_moves_with_the_root() -> None:
    sense = SongSense(random_arrays(), SPEC)
    probabilities = ANYTHING.dirichlet(np.ones(N_LABELS), size=200)
    moved = sense.heard(probabilities[:, SEEN_FROM[1]])
    assert moved == pytest.approx(sense.heard(probabilities)[:, SEEN_FROM[1]])
    assert moved.sum(axis=1) == pytest.approx(1)


def test_neighbours_change_what_is_heard() -> None:
    sense = SongSense(random_arrays(), SPEC)
    middle = sense.heard(rows(0, 0, 0))[1]
    assert np.abs(middle - sense.heard(rows(2, 0, 3))[1]).max() > 1e-3
    # What is further away than the offsets reach does not.
    assert sense.heard(rows(0, 0, 0, 0))[1] == pytest.approx(middle)


def test_the_key_is_that_whose_labels_sound() -> None:
    sense = SongSense(arrays_of(), SPEC)
    keys = sense.keys(rows(2, 2, 2, 3))
    assert keys.shape == (1, 2)
    assert keys.sum() == pytest.approx(1)
    assert keys[0, 1] > 0.8


def test_of_two_labels_that_are_as_probable_the_usual_one_follows() -> None:
    change = arrays_of()["change"].astype(float)
    change[0, 0] = [0, 0.05, 0.05, 0.85, 0.05]
    common = np.array([[0.8, 0.05, 0.05, 0.05, 0.05]])
    sense = SongSense(arrays_of(change=change, common=common), SPEC)
    unsure = rows(0, 0, 0, 2, 2)
    unsure[3:, [2, 3]] = 0.425, 0.425
    assert sense.path(unsure).tolist() == [0, 0, 0, 3, 3]


@pytest.mark.parametrize(
    ("path", "song"),
    [
        ([0, 2, 3], True),
        ([2, 0, 1, 0], True),
        ([0, 2, 0, 2], False),  # no root stays
        ([0, 1, 0, 4], False),  # one root alone
        ([0, 4, 1, 2, 2], False),  # it did not stay, nothing sounded between
        ([4, 4], False),
    ],
)
def test_a_song_has_several_roots_and_wavers_on_one(path: list[int], song: bool) -> None:
    assert SongSense(arrays_of(), SPEC).is_song(np.array(path)) is song


def test_only_several_chords_make_a_song() -> None:
    sense = SongSense(arrays_of(output_bias=np.array([0.0, 50.0])), SPEC)
    spec = TimelineSpec(change_probability=0.5)
    places = [Segment(float(n), n + 1.0) for n in range(4)]

    single = label_segments(places, rows(0, 0, 4, 4), spec, sense)
    assert [s.label for s in single] == [0, 4]
    assert single[0].probabilities == pytest.approx(rows(0)[0])
    song = label_segments(places, rows(0, 0, 2, 3), spec, sense)
    # As a song, all are heard as the second quality.
    assert {s.label for s in song} <= {1, 3}


def test_numbers_of_a_bundle_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "songs.npz", allow_pickle=False, **arrays_of())
    sense = SongSense.load(tmp_path / "songs.npz", SPEC, N_LABELS)
    assert sense.heard(rows(1)) == pytest.approx(rows(1))


@pytest.mark.parametrize(
    "changes",
    [
        {"seen_from": np.zeros((2, 9), int)},
        {"hidden": np.zeros((2, 2))},
        {"offsets": np.array([1])},
    ],
)
def test_numbers_that_do_not_fit_the_labels_are_refused(
    tmp_path: Path, changes: dict[str, NDArray[np.generic]]
) -> None:
    np.savez(tmp_path / "songs.npz", allow_pickle=False, **arrays_of(**changes))
    with pytest.raises(BundleError, match=r"songs\.npz does not fit"):
        SongSense.load(tmp_path / "songs.npz", SPEC, N_LABELS)


def test_a_file_that_holds_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "songs.npz").write_bytes(b"no numbers")
    with pytest.raises(BundleError, match=r"songs\.npz does not fit"):
        SongSense.load(tmp_path / "songs.npz", SPEC, N_LABELS)
