from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import decode
from service.inference.bundle import Bundle
from service.inference.features import FeatureSpec
from tests.audio import encode_as, noise, stereo, tone
from tests.training.data.readers.pictures import random_levels, write_picture
from training.data.filter_banks import mel_bank
from training.data.readers import AudioFile, SpectrogramImage, StoredGrid
from training.data.readers.gtzan_grid import SPEC, to_features
from training.errors import TrainingError, UnreadableClip

OTHER_SPEC = FeatureSpec.model_validate({**SPEC.model_dump(), "range_db": 80.0})
BANK = mel_bank(SPEC)


def write_archive(path: Path, n: int = 3) -> Path:
    levels = np.stack([random_levels(seed) for seed in range(n)])
    np.savez(path, mel=levels)
    return path


@pytest.mark.parametrize("format_name", ["wav", "flac", "ogg", "opus", "mp3", "aiff"])
def test_features_of_a_file_are_those_that_the_service_computes(
    tmp_path: Path, models_dir: Path, format_name: str
) -> None:
    bundle = Bundle.load(models_dir / "genre")
    sound = stereo(tone(700, 1.0) + noise(1.0, amplitude=0.05), noise(1.0, amplitude=0.3))
    data = encode_as(format_name, sound)
    path = tmp_path / f"clip.{format_name}"
    path.write_bytes(data)

    trained_on = AudioFile(path).grid(bundle.card.features, bundle.bank)

    rate_hz = bundle.card.features.sample_rate_hz
    served = bundle.features(decode(data, [rate_hz]).waveforms[rate_hz])
    np.testing.assert_array_equal(trained_on, served)
    assert trained_on.max() == 1


def test_the_key_of_a_file_follows_its_content(tmp_path: Path) -> None:
    one, same, other = (AudioFile(tmp_path / name) for name in ("a.wav", "b.wav", "c.wav"))
    one.path.write_bytes(b"sound")
    same.path.write_bytes(b"sound")
    other.path.write_bytes(b"noise")

    assert one.content_key() == same.content_key() != other.content_key()
    assert one.name == str(tmp_path / "a.wav")


def test_a_missing_file_is_an_unreadable_clip(tmp_path: Path) -> None:
    missing = AudioFile(tmp_path / "missing.wav")

    with pytest.raises(UnreadableClip, match="No such file"):
        missing.content_key()
    with pytest.raises(UnreadableClip, match="No such file"):
        missing.grid(SPEC, BANK)


def test_a_folder_in_place_of_a_file_is_an_unreadable_clip(tmp_path: Path) -> None:
    with pytest.raises(UnreadableClip, match="directory"):
        AudioFile(tmp_path).content_key()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"no sound at all", "no audio"),
        (b"fLaC and nothing more", "broken"),
        (encode_as("wav", tone(duration_s=0.01)), "at least"),
    ],
)
def test_an_undecodable_file_is_told_in_the_services_words(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(data)
    with pytest.raises(UnreadableClip, match=reason):
        AudioFile(path).samples(SPEC.sample_rate_hz)


def test_a_stored_grid_is_read_by_its_place(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "grids.npz")

    grid = StoredGrid(archive, 2, "blues.00002").grid(SPEC, BANK)

    np.testing.assert_array_equal(grid, to_features(random_levels(2)))


def test_the_key_of_a_stored_grid_follows_its_numbers(tmp_path: Path) -> None:
    archive, copy = (write_archive(tmp_path / name) for name in ("a.npz", "b.npz"))

    first = StoredGrid(archive, 0, "x").content_key()

    assert first == StoredGrid(copy, 0, "y").content_key()
    assert first != StoredGrid(archive, 1, "x").content_key()


def test_the_name_of_a_stored_grid_tells_archive_and_clip(tmp_path: Path) -> None:
    assert StoredGrid(tmp_path / "a.npz", 0, "blues.00000").name == f"{tmp_path}/a.npz:blues.00000"


def test_an_archive_without_grids_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, spectra=np.zeros(3))
    with pytest.raises(TrainingError, match=r"no array 'mel'.*spectra"):
        StoredGrid(path, 0, "x").content_key()


def test_ready_grids_are_refused_for_features_of_another_specification(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "grids.npz")
    picture = write_picture(tmp_path / "blues00000.png", random_levels())

    with pytest.raises(TrainingError, match=r"grids\.npz:x"):
        StoredGrid(archive, 0, "x").grid(OTHER_SPEC, BANK)
    with pytest.raises(TrainingError, match=r"blues00000\.png"):
        SpectrogramImage(picture).grid(OTHER_SPEC, BANK)


def test_a_picture_reads_back_to_features(tmp_path: Path) -> None:
    picture = SpectrogramImage(write_picture(tmp_path / "blues00000.png", random_levels(4)))

    np.testing.assert_array_equal(picture.grid(SPEC, BANK), to_features(random_levels(4)))
    assert picture.name == str(tmp_path / "blues00000.png")


def test_the_key_of_a_picture_follows_its_content(tmp_path: Path) -> None:
    one = SpectrogramImage(write_picture(tmp_path / "a.png", random_levels(1)))
    same = SpectrogramImage(write_picture(tmp_path / "b.png", random_levels(1)))
    other = SpectrogramImage(write_picture(tmp_path / "c.png", random_levels(2)))

    assert one.content_key() == same.content_key() != other.content_key()


def test_a_broken_picture_is_an_unreadable_clip(tmp_path: Path) -> None:
    path = tmp_path / "blues00000.png"
    path.write_bytes(write_picture(tmp_path / "whole.png", random_levels()).read_bytes()[:200])
    with pytest.raises(UnreadableClip, match="no readable picture"):
        SpectrogramImage(path).grid(SPEC, BANK)
