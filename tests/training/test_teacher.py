from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest
from librosa.filters import mel as mel_filters
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tests.audio import noise, tone
from tests.training.made import Named, write_wav
from training import teacher
from training.cache import FeatureCache
from training.errors import TrainingError
from training.readers import AudioFile
from training.synthesis import render_golden_clip
from training.teacher import (
    BANDS,
    FRAMES,
    SAMPLE_RATE_HZ,
    TARGETS,
    Teacher,
    log_mel,
    msd_musicnn,
    teacher_windows,
)

Array = NDArray[np.float32]
needs_musicnn = pytest.mark.skipif(
    find_spec("musicnn") is None, reason="the package musicnn is not installed"
)


class CountingNetwork:
    """Answers with the mean level of each window and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def predict_on_batch(self, windows: Array) -> tuple[Array, Array]:
        self.asked += 1
        level = windows.mean(axis=(1, 2))[:, None]
        return np.repeat(level, 200, axis=1), np.repeat(-level, 50, axis=1)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CountingNetwork:
    """A network in place of MSD_musicnn, whose package need not be there."""
    network = CountingNetwork()
    monkeypatch.setattr(teacher, "_checkpoint_folder", lambda: tmp_path)
    monkeypatch.setattr(teacher, "msd_musicnn", lambda _: network)
    return network


def write_tone(path: Path, duration_s: float = 1.0) -> AudioFile:
    return AudioFile(write_wav(path, tone(440, duration_s, rate_hz=SAMPLE_RATE_HZ), SAMPLE_RATE_HZ))


@pytest.mark.parametrize("package", [None, "no package"])
def test_without_musicnn_it_says_what_to_install(
    package: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class SingleModule:
        submodule_search_locations = None

    monkeypatch.setattr(teacher, "find_spec", lambda _: SingleModule if package else None)
    with pytest.raises(TrainingError, match=r"pip install --no-deps musicnn.*--teacher none"):
        Teacher(FeatureCache(tmp_path))


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(("duration_s", "stretches"), [(0.5, 1), (3.0, 1), (9.0, 3), (30.0, 10)])
def test_there_is_one_row_for_every_three_seconds(
    tmp_path: Path, duration_s: float, stretches: int
) -> None:
    clip = write_tone(tmp_path / "clip.wav", duration_s)
    (rows,) = Teacher(FeatureCache(tmp_path / "cache")).ask([clip])
    assert rows.shape == (stretches, TARGETS)
    assert rows.dtype == np.float32


def test_hidden_layer_and_tags_stand_side_by_side(tmp_path: Path, network: CountingNetwork) -> None:
    (rows,) = Teacher(FeatureCache(tmp_path / "cache")).ask([write_tone(tmp_path / "clip.wav")])

    assert network.asked == 1
    assert (rows[:, :200] > 0).all()
    np.testing.assert_array_equal(rows[:, 200:], -rows[:, :50])


def test_a_clip_is_listened_to_once(tmp_path: Path, network: CountingNetwork) -> None:
    cache = FeatureCache(tmp_path / "cache")
    clip = write_tone(tmp_path / "clip.wav")

    first = Teacher(cache).ask([clip])
    again = Teacher(cache).ask([clip, write_tone(tmp_path / "copy.wav")])

    assert network.asked == 1
    np.testing.assert_array_equal(again[0], first[0])
    np.testing.assert_array_equal(again[1], first[0])


def test_the_answer_is_the_same_before_and_after_it_was_cached(
    tmp_path: Path, network: CountingNetwork
) -> None:
    asked = Teacher(FeatureCache(tmp_path / "cache"))
    clip = write_tone(tmp_path / "clip.wav")

    np.testing.assert_array_equal(asked.ask([clip])[0], asked.ask([clip])[0])
    assert network.asked == 1


def test_what_is_no_audio_gets_no_row(tmp_path: Path, network: CountingNetwork) -> None:
    (rows,) = Teacher(FeatureCache(tmp_path)).ask([Named("grid")])
    assert rows.shape == (0, TARGETS)
    assert network.asked == 0


def test_a_broken_file_gets_no_row(tmp_path: Path, network: CountingNetwork) -> None:
    (tmp_path / "broken.wav").write_bytes(b"no sound at all")
    (rows,) = Teacher(FeatureCache(tmp_path)).ask([AudioFile(tmp_path / "broken.wav")])
    assert rows.shape == (0, TARGETS)
    assert network.asked == 0


def test_its_spectrogram_is_that_of_musicnn() -> None:
    samples = noise(2.0, rate_hz=SAMPLE_RATE_HZ, amplitude=0.3)
    padded = np.pad(samples.astype(float), 256)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    frames = sliding_window_view(padded, 512)[::256] * hann
    filters = mel_filters(sr=16_000, n_fft=512, n_mels=96)
    power = np.abs(np.fft.rfft(frames)) ** 2 @ filters.T

    np.testing.assert_allclose(log_mel(samples), np.log10(10_000 * power + 1), atol=1e-4)


def test_windows_are_spread_over_the_whole_clip() -> None:
    samples = noise(10.0, rate_hz=SAMPLE_RATE_HZ)
    grid = log_mel(samples)

    windows = teacher_windows(samples)

    assert windows.shape == (3, FRAMES, BANDS)
    np.testing.assert_array_equal(windows[0], grid[:FRAMES])
    np.testing.assert_array_equal(windows[-1], grid[-FRAMES:])


def test_a_short_clip_is_one_window_with_silence_behind() -> None:
    windows = teacher_windows(noise(1.0, rate_hz=SAMPLE_RATE_HZ))
    assert windows.shape == (1, FRAMES, BANDS)
    assert windows[0, 60].any()
    assert not windows[0, 64:].any()


@pytest.fixture(scope="module")
def checkpoint() -> Path:
    return teacher._checkpoint_folder()


@pytest.fixture(scope="module")
def rebuilt(checkpoint: Path) -> keras.Model:
    """The rebuilt network, with the concatenation of all that it hears as a third output."""
    network = msd_musicnn(checkpoint)
    (along,) = (layer for layer in network.layers if layer.output.shape == (None, FRAMES, 753))
    return keras.Model(network.input, [*network.output, along.output])


@pytest.fixture(scope="module")
def heard(rebuilt: keras.Model) -> tuple[Array, Array, Array, Array]:
    """Two windows of music, and the hidden layer, tags and concatenation for them."""
    windows = teacher_windows(render_golden_clip(6.0, SAMPLE_RATE_HZ))
    hidden, tags, along = rebuilt.predict_on_batch(windows)
    return windows, hidden, tags, along


@pytest.fixture(scope="module")
def weight(checkpoint: Path) -> Callable[[str], NDArray[np.float64]]:
    """Reads the original weights by their original names, in double precision."""
    from tensorflow.python.training import py_checkpoint_reader  # noqa: PLC0415

    reader = py_checkpoint_reader.NewCheckpointReader(f"{checkpoint}/")
    return lambda name: np.asarray(reader.get_tensor(name), dtype=np.float64)


def normalise(
    x: NDArray[np.float64], name: str, weight: Callable[[str], NDArray[np.float64]]
) -> NDArray[np.float64]:
    mean, variance = weight(f"{name}/moving_mean"), weight(f"{name}/moving_variance")
    scaled = (x - mean) / np.sqrt(variance + 1e-3)
    return scaled * weight(f"{name}/gamma") + weight(f"{name}/beta")


@needs_musicnn
def test_the_rebuilt_network_has_the_published_shapes(
    heard: tuple[Array, Array, Array, Array],
) -> None:
    windows, hidden, tags, _ = heard
    assert windows.shape == (2, 187, 96)
    assert hidden.shape == (2, 200)
    assert tags.shape == (2, 50)


@needs_musicnn
def test_the_first_timbral_block_is_the_original_computed_by_hand(
    heard: tuple[Array, Array, Array, Array], weight: Callable[[str], NDArray[np.float64]]
) -> None:
    windows, _, _, along = heard
    x = normalise(windows[1].astype(float)[..., None], "batch_normalization", weight)[..., 0]
    patches = sliding_window_view(np.pad(x, ((3, 3), (0, 0))), (7, 38))
    kernel = weight("conv2d/kernel")[:, :, 0, :]
    convolved = np.tensordot(patches, kernel, axes=([2, 3], [0, 1])) + weight("conv2d/bias")
    block = normalise(np.maximum(convolved, 0), "batch_normalization_1", weight).max(axis=1)

    np.testing.assert_allclose(along[1, :, :204], block, atol=1e-3 * np.abs(block).max())
    assert block.std() > 0.01


@needs_musicnn
def test_a_temporal_block_pads_as_the_original_does(
    heard: tuple[Array, Array, Array, Array], weight: Callable[[str], NDArray[np.float64]]
) -> None:
    windows, _, _, along = heard
    x = normalise(windows[0].astype(float)[..., None], "batch_normalization", weight)[..., 0]
    # "Same" padding of an even kernel puts the odd row at the end.
    patches = sliding_window_view(np.pad(x, ((15, 16), (0, 0))), 32, axis=0)
    kernel = weight("conv2d_4/kernel")[:, 0, 0, :]
    convolved = patches @ kernel + weight("conv2d_4/bias")
    block = normalise(np.maximum(convolved, 0), "batch_normalization_5", weight).max(axis=1)

    place = slice(204 + 204 + 51 + 51, 204 + 204 + 3 * 51)
    np.testing.assert_allclose(along[0, :, place], block, atol=1e-3 * np.abs(block).max())


@needs_musicnn
def test_pooling_and_dense_layers_are_the_original_computed_by_hand(
    heard: tuple[Array, Array, Array, Array], weight: Callable[[str], NDArray[np.float64]]
) -> None:
    _, hidden, tags, along = heard
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


@needs_musicnn
def test_the_real_teacher_tells_music_from_noise(tmp_path: Path) -> None:
    asked = Teacher(FeatureCache(tmp_path / "cache"))
    clips = [
        render_golden_clip(3.0, SAMPLE_RATE_HZ),
        0.5 * render_golden_clip(3.0, SAMPLE_RATE_HZ),
        noise(3.0, rate_hz=SAMPLE_RATE_HZ),
    ]
    files = [
        AudioFile(write_wav(tmp_path / f"{n}.wav", clip, SAMPLE_RATE_HZ))
        for n, clip in enumerate(clips)
    ]

    music, quieter_music, hiss = (rows[0] for rows in asked.ask(files))

    assert np.linalg.norm(music - quieter_music) < np.linalg.norm(music - hiss)
