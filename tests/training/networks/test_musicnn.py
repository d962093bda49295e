from collections.abc import Callable

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from service.inference.features import compute_grid
from tests.audio import noise
from tests.training.tiny import needs_musicnn
from training.compiled import librosa
from training.data.filter_banks import make_bank
from training.errors import TrainingError
from training.networks import musicnn, musicnn_weights
from training.networks.musicnn import FRAMES, RELATIVE_SPEC, SPEC, USUAL_LOUDEST_POWER, FrontEnd
from training.networks.teacher import stretches
from training.synthesis.sounds import render_golden_clip
from training.synthesis.waveform import Waveform

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]
Weight = Callable[[str], Doubles]
# Hidden layer, tags and all that is heard along the window, [n, 187, 753].
Answers = tuple[Array, Array, Array]

BANK = make_bank(SPEC)
KERNELS = ("conv2d", "conv2d_1", "conv2d_2", "conv2d_3", "conv2d_4")
MIDDLE = 3 * 64
SMALL = (3, 2, 2, 1, 1)


def windows_of(samples: Waveform) -> Array:
    return stretches(compute_grid(samples, SPEC, BANK))


@pytest.fixture(scope="module")
def music() -> Array:
    """Two windows of music."""
    return windows_of(render_golden_clip(6.0, SPEC.sample_rate_hz))


def answers(network: keras.Model, windows: Array) -> Answers:
    before_pooling = network.get_layer("batch_normalization_9").input
    (pool, _) = before_pooling._keras_history.operation._inbound_nodes[0].parent_nodes
    along = pool.operation.input
    watched = keras.Model(network.input, [*network.output, along])
    hidden, tags, heard = watched.predict_on_batch(windows)
    return hidden, tags, heard


@pytest.fixture(scope="module")
def heard(music: Array) -> Answers:
    return answers(musicnn.pretrained(), music)


@pytest.fixture(scope="module")
def heard_pruned(music: Array) -> Answers:
    return answers(musicnn.pruned(), music)


@pytest.fixture(scope="module")
def weight() -> Weight:
    """Reads the original weights by their original names, in double precision."""
    from tensorflow.python.training import py_checkpoint_reader  # noqa: PLC0415

    reader = py_checkpoint_reader.NewCheckpointReader(f"{musicnn_weights.checkpoint_folder()}/")
    return lambda name: np.asarray(reader.get_tensor(name), dtype=np.float64)


def normalise(x: Doubles, name: str, weight: Weight) -> Doubles:
    mean, variance = weight(f"{name}/moving_mean"), weight(f"{name}/moving_variance")
    scaled = (x - mean) / np.sqrt(variance + 1e-3)
    return scaled * weight(f"{name}/gamma") + weight(f"{name}/beta")


def front_end_input(window: Array, weight: Weight) -> Doubles:
    """What the filters see of a window, shape [187, 96]."""
    power = 1_000 * 10 ** (10 * (window.astype(float) - 1))
    x = np.log10(10_000 * power + 1)
    return normalise(x[..., None], "batch_normalization", weight)[..., 0]


@pytest.mark.parametrize("package", [None, "no package"])
def test_without_the_package_it_says_what_to_install(
    package: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SingleModule:
        submodule_search_locations = None

    monkeypatch.setattr(musicnn_weights, "find_spec", lambda _: SingleModule if package else None)
    for wanted in (
        musicnn_weights.checkpoint_folder,
        musicnn.pretrained,
        musicnn.pruned,
        musicnn.embedding,
    ):
        with pytest.raises(TrainingError, match=r"pip install --no-deps musicnn==0\.1\.0"):
            wanted()


def as_published(samples: NDArray[np.float64], gain: float = 1.0) -> Doubles:
    padded = np.pad(samples, 256)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    frames = sliding_window_view(padded, 512)[::256] * hann
    bank = librosa.filters.mel(  # type: ignore[attr-defined]  # lazily loaded submodule
        sr=16_000, n_fft=512, n_mels=96
    )
    power = np.abs(np.fft.rfft(frames)) ** 2 @ bank.T
    found: Doubles = np.log10(10_000 * gain * power + 1)
    return found


def test_the_features_are_the_originals() -> None:
    samples = render_golden_clip(2.0, SPEC.sample_rate_hz).astype(float)
    samples += noise(2.0, rate_hz=SPEC.sample_rate_hz, amplitude=1e-3)

    grid = compute_grid(samples.astype(np.float32), SPEC, BANK)
    compressed = np.asarray(musicnn._compress(grid[None], SPEC))[0]

    # Below the range of 100 dB, the original has a thousandth left.
    np.testing.assert_allclose(compressed, as_published(samples), atol=1e-3)
    assert compressed.max() > 4


def test_relative_levels_do_not_tell_the_volume() -> None:
    samples = render_golden_clip(2.0, SPEC.sample_rate_hz).astype(float)
    for volume in (0.05, 1.0):
        grid = compute_grid((volume * samples).astype(np.float32), RELATIVE_SPEC, BANK)
        compressed = np.asarray(musicnn._compress(grid[None], RELATIVE_SPEC))[0]
        loudest = (10 ** as_published(samples).max() - 1) / 10_000
        original = as_published(samples, gain=USUAL_LOUDEST_POWER / loudest)
        # Below the range of 80 dB, the original has some thousandths left.
        np.testing.assert_allclose(compressed, original, atol=5e-3)


@pytest.mark.parametrize("front_end", [musicnn.ORIGINAL, FrontEnd(SMALL), FrontEnd((1,) * 5)])
def test_any_front_end_leads_to_the_published_shapes(front_end: FrontEnd) -> None:
    network = musicnn.build(front_end)
    assert network.input_shape == (None, 187, 96)
    assert network.output_shape == [(None, 200), (None, 50)]


@pytest.mark.parametrize(("sign", "same"), [(1, True), (-1, False)])
def test_the_best_match_may_be_found_first_where_all_scales_are_positive(
    sign: int, same: bool, music: Array
) -> None:
    rng = np.random.default_rng(0)
    plain = musicnn.build(FrontEnd(SMALL))
    for number in range(1, 6):
        layer = plain.get_layer(f"batch_normalization_{number}")
        n = len(layer.get_weights()[0])
        gamma, deviation = rng.uniform(0.5, 2, (2, n))
        layer.set_weights([sign * gamma, rng.normal(size=n), rng.normal(size=n), deviation])
    cheaper = musicnn.build(FrontEnd(SMALL, normalised_last=(True,) * 5))
    for layer in plain.layers:
        if layer.weights:
            cheaper.get_layer(layer.name).set_weights(layer.get_weights())

    expected, found = (np.asarray(network(music)[0]) for network in (plain, cheaper))

    assert np.allclose(found, expected, atol=1e-4 * np.abs(expected).max()) == same
    assert expected.std() > 0


@needs_musicnn
def test_the_first_timbral_block_is_the_original_computed_by_hand(
    music: Array, heard: Answers, weight: Weight
) -> None:
    x = front_end_input(music[1], weight)
    patches = sliding_window_view(np.pad(x, ((3, 3), (0, 0))), (7, 38))
    kernel = weight("conv2d/kernel")[:, :, 0, :]
    convolved = np.tensordot(patches, kernel, axes=([2, 3], [0, 1])) + weight("conv2d/bias")
    block = normalise(np.maximum(convolved, 0), "batch_normalization_1", weight).max(axis=1)

    along = heard[2]
    np.testing.assert_allclose(along[1, :, :204], block, atol=1e-3 * np.abs(block).max())
    assert block.std() > 0.01


@needs_musicnn
def test_a_temporal_block_pads_as_the_original_does(
    music: Array, heard: Answers, weight: Weight
) -> None:
    x = front_end_input(music[0], weight)
    # "Same" padding of an even kernel puts the odd row at the end.
    patches = sliding_window_view(np.pad(x, ((15, 16), (0, 0))), 32, axis=0)
    kernel = weight("conv2d_4/kernel")[:, 0, 0, :]
    convolved = patches @ kernel + weight("conv2d_4/bias")
    block = normalise(np.maximum(convolved, 0), "batch_normalization_5", weight).max(axis=1)

    along = heard[2]
    place = slice(204 + 204 + 51 + 51, 204 + 204 + 3 * 51)
    np.testing.assert_allclose(along[0, :, place], block, atol=1e-3 * np.abs(block).max())


@needs_musicnn
def test_the_middle_is_the_original_computed_by_hand(heard: Answers, weight: Weight) -> None:
    along = heard[2][0].astype(float)
    place = 561
    before, residual = along[:, :561], np.zeros((FRAMES, 64))
    for number in (5, 6, 7):
        patches = sliding_window_view(np.pad(before, ((3, 3), (0, 0))), 7, axis=0)
        kernel = weight(f"conv2d_{number}/kernel")[:, :, 0, :]
        convolved = np.tensordot(patches, kernel, axes=([2, 1], [0, 1]))
        convolved = np.maximum(convolved + weight(f"conv2d_{number}/bias"), 0)
        block = residual + normalise(convolved, f"batch_normalization_{number + 1}", weight)

        found = along[:, place : place + 64]
        np.testing.assert_allclose(found, block, atol=1e-3 * np.abs(block).max())
        before = residual = found
        place += 64


@needs_musicnn
def test_pooling_and_dense_layers_are_the_original_computed_by_hand(
    heard: Answers, weight: Weight
) -> None:
    hidden, tags, along = heard
    for window in range(len(along)):
        features = along[window].astype(float)
        # The original flattens [753, 2]: maximum and mean of each feature side by side.
        pooled = np.stack([features.max(axis=0), features.mean(axis=0)], axis=1).reshape(-1)
        pooled = normalise(pooled, "batch_normalization_9", weight)
        dense = np.maximum(pooled @ weight("dense/kernel") + weight("dense/bias"), 0)
        dense = normalise(dense, "batch_normalization_10", weight)
        logits = dense @ weight("dense_1/kernel") + weight("dense_1/bias")

        np.testing.assert_allclose(hidden[window], dense, atol=1e-3 * np.abs(dense).max())
        np.testing.assert_allclose(tags[window], logits, atol=1e-3 * np.abs(logits).max())


def living(weight: Weight) -> NDArray[np.bool_]:
    """Which of the front end's 561 filters are not zero, or next to it."""
    largest = [np.abs(weight(f"{name}/kernel")).max(axis=(0, 1, 2)) for name in KERNELS]
    return np.asarray(np.concatenate(largest) > 1e-3)


@needs_musicnn
def test_only_filters_that_always_say_the_same_are_left_out(heard: Answers, weight: Weight) -> None:
    alive = living(weight)
    spread = np.ptp(heard[2][..., :561], axis=(0, 1))
    assert spread[~alive].max() < 0.01 * np.median(spread[alive])
    assert 0 < alive.sum() < 0.2 * len(alive)


@needs_musicnn
def test_the_pruned_network_hears_the_same_away_from_the_ends_of_a_window(
    heard: Answers, heard_pruned: Answers, weight: Weight
) -> None:
    kept = np.concatenate([living(weight), np.ones(MIDDLE, dtype=bool)])
    original, pruned = heard[2][..., kept], heard_pruned[2]
    tolerance = 1e-3 * np.abs(original).max()

    np.testing.assert_allclose(pruned[..., :-MIDDLE], original[..., :-MIDDLE], atol=tolerance)
    # Three layers see three frames more each.
    np.testing.assert_allclose(pruned[:, 9:-9], original[:, 9:-9], atol=tolerance)
    first = slice(-MIDDLE, -MIDDLE + 64)
    np.testing.assert_allclose(pruned[:, 3:-3, first], original[:, 3:-3, first], atol=tolerance)


@needs_musicnn
def test_the_biases_hold_what_the_filters_left_out_always_said(
    heard: Answers, heard_pruned: Answers, weight: Weight
) -> None:
    """The original's last layers, computed by hand upon what the pruned network hears."""
    front, middle = heard[2][..., :561], heard_pruned[2][..., -MIDDLE:]
    for window, features in enumerate(np.concatenate([front, middle], axis=2).astype(float)):
        pooled = np.stack([features.max(axis=0), features.mean(axis=0)], axis=1).reshape(-1)
        pooled = normalise(pooled, "batch_normalization_9", weight)
        dense = np.maximum(pooled @ weight("dense/kernel") + weight("dense/bias"), 0)
        dense = normalise(dense, "batch_normalization_10", weight)

        found = heard_pruned[0][window]
        np.testing.assert_allclose(found, dense, atol=2e-3 * np.abs(dense).max())


@needs_musicnn
def test_the_pruned_network_answers_nearly_the_same(heard: Answers, heard_pruned: Answers) -> None:
    for found, original in zip(heard_pruned[:2], heard[:2], strict=True):
        off = np.linalg.norm(found - original, axis=1)
        assert (off < 0.1 * np.linalg.norm(original, axis=1)).all()


@needs_musicnn
def test_the_embedding_is_all_upper_floors_of_the_pruned_network(
    music: Array, heard_pruned: Answers
) -> None:
    hidden, tags, along = heard_pruned
    gamma, beta, mean, variance = musicnn.pruned().get_layer("batch_normalization_9").get_weights()
    pooled = np.concatenate([along.max(axis=1), along.mean(axis=1)], axis=1)
    pooled = (pooled - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    backbone = musicnn.embedding()
    found = backbone.predict_on_batch(music)

    assert found.shape == (len(music), musicnn.UNITS)
    expected = np.concatenate([hidden, tags, pooled], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())
    # It comes into a network on top as it is, and half precision must hold it.
    assert not backbone.trainable_weights
    assert np.abs(found).max() < np.finfo(np.float16).max / 10
