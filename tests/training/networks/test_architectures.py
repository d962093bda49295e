import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.labels import CHORDS, GENRES, QUALITIES
from training.networks.architectures import (
    chord_net,
    embedding_net,
    expect_less,
    listening_net,
    serving_network,
    statistics_net,
)
from training.recipes import CHORD

FRAMES, BANDS = CHORD.inputs.windows.frames, CHORD.inputs.features.bands


def answers(network: keras.Model, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    logits: NDArray[np.float32] = np.asarray(network(windows, training=False)["logits"])
    return logits


@pytest.fixture(scope="module")
def chords() -> keras.Model:
    keras.utils.set_random_seed(0)
    return chord_net(FRAMES, BANDS, len(QUALITIES), width=8)


def middle_content(n: int = 4) -> NDArray[np.float32]:
    """Windows with sound so far from both ends that filters, once moved, still see none.

    The widest filter reaches 18 semitones up and down, the others some 4 together.
    """
    windows = np.zeros((n, FRAMES, BANDS), np.float32)
    windows[:, :, 84:114] = np.random.default_rng(0).random((n, FRAMES, 30), dtype=np.float32)
    return windows


def output_shapes(network: keras.Model) -> dict[str, tuple[int | None, ...]]:
    return {name: tuple(output.shape) for name, output in network.output.items()}


def test_the_chord_network_has_one_logit_a_chord(chords: keras.Model) -> None:
    assert answers(chords, middle_content()).shape == (4, len(CHORDS))
    assert chords.output_names == ["logits"]


def test_less_can_be_expected_of_a_quality_on_all_roots() -> None:
    network = chord_net(FRAMES, BANDS, 3, width=2)
    before = answers(network, middle_content())
    expect_less(network, np.array([0.0, 1.5, 0.0], np.float32))

    lowered = np.array([0.0, 1.5, 0.0] * 12 + [0.0])
    np.testing.assert_allclose(answers(network, middle_content()), before - lowered, atol=1e-4)


@pytest.mark.parametrize("semitones", [-5, -1, 1, 3, 6])
def test_transposing_the_window_transposes_the_chords(chords: keras.Model, semitones: int) -> None:
    windows = middle_content()
    logits = answers(chords, windows)

    moved = answers(chords, np.roll(windows, 3 * semitones, axis=2))

    by_root = logits[:, :-1].reshape(4, 12, len(QUALITIES))
    moved_by_root = moved[:, :-1].reshape(4, 12, len(QUALITIES))
    spread = float(by_root.std(axis=1).min())
    np.testing.assert_allclose(
        moved_by_root, np.roll(by_root, semitones, axis=1), atol=1e-3 * spread
    )
    np.testing.assert_allclose(moved[:, -1], logits[:, -1], atol=1e-3 * spread)
    # Without the roll they differ, so the comparison above says something.
    assert np.abs(moved_by_root - by_root).max() > spread


def test_an_octave_higher_is_the_same_chord(chords: keras.Model) -> None:
    windows = middle_content()
    np.testing.assert_allclose(
        answers(chords, np.roll(windows, 36, axis=2)), answers(chords, windows), atol=1e-4
    )


def test_each_root_has_its_own_logits(chords: keras.Model) -> None:
    windows = np.zeros((1, FRAMES, BANDS), np.float32)
    windows[:, :, 108] = 1  # a single C in the fourth octave

    by_root = answers(chords, windows)[0, :-1].reshape(12, len(QUALITIES))

    assert len(np.unique(np.round(by_root, 5), axis=0)) > 6


@pytest.mark.parametrize(("frames", "bands"), [(20, 216), (12, 144)])
def test_the_chord_network_fits_other_windows(frames: int, bands: int) -> None:
    network = chord_net(frames, bands, 3, width=2)
    assert output_shapes(network) == {"logits": (None, 37)}


@pytest.mark.parametrize(
    ("companions", "teacher_targets", "outputs"),
    [
        (0, 0, {"logits": 10}),
        (2, 0, {"logits": 10, "companion": 2}),
        (0, 250, {"logits": 10, "teacher": 250}),
        (2, 250, {"logits": 10, "companion": 2, "teacher": 250}),
    ],
)
def test_the_listening_network_has_the_outputs_that_are_asked_for(
    companions: int, teacher_targets: int, outputs: dict[str, int]
) -> None:
    network = listening_net(48, 32, 10, companions, teacher_targets=teacher_targets)

    assert network.input_shape == (None, 48, 32)
    assert output_shapes(network) == {name: (None, size) for name, size in outputs.items()}


@pytest.mark.parametrize(
    ("companions", "outputs"), [(0, {"logits": 10}), (2, {"logits": 10, "companion": 2})]
)
def test_the_embedding_network_has_a_companion_if_it_is_asked_for(
    companions: int, outputs: dict[str, int]
) -> None:
    network = embedding_net(760, 10, companions)

    assert network.input_shape == (None, 1, 760)
    assert output_shapes(network) == {name: (None, size) for name, size in outputs.items()}


def test_the_embedding_networks_hidden_layer_may_be_smaller() -> None:
    small, large = (embedding_net(20, 2, 3, hidden_units=n) for n in (4, 8))
    # Weights and biases of the hidden layer, and weights of two outputs.
    assert large.count_params() - small.count_params() == 4 * (20 + 1) + 4 * 2 + 4 * 3


def test_the_statistics_network_takes_single_rows() -> None:
    network = statistics_net(57, len(GENRES))
    assert network.input_shape == (None, 1, 57)
    assert output_shapes(network) == {"logits": (None, 10)}


def test_serving_drops_companion_and_teacher_and_answers_the_same() -> None:
    trained = listening_net(32, 16, 2, 3, teacher_targets=5)
    windows = np.random.default_rng(0).random((3, 32, 16), dtype=np.float32)

    served = serving_network(trained)

    assert served.output_shape == (None, 2)
    np.testing.assert_array_equal(
        np.asarray(served(windows, training=False)), answers(trained, windows)
    )
    assert served.count_params() < trained.count_params()


def test_serving_keeps_the_chord_networks_order(chords: keras.Model) -> None:
    windows = middle_content()
    np.testing.assert_array_equal(
        np.asarray(serving_network(chords)(windows, training=False)), answers(chords, windows)
    )
