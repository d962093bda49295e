import shutil
from pathlib import Path

import numpy as np
import pytest

from service.inference.bundle import Bundle
from tests.audio import tone
from tests.training.data.readers.pictures import random_levels, write_picture
from tests.training.made import write_csv, write_wav
from tests.training.runs import write_run
from tests.training.tiny import TINY_GENRE, TINY_PICTURES
from training.data.cache import FeatureCache
from training.data.readers.gtzan_grid import SPEC, to_features
from training.errors import TrainingError
from training.evaluation.evaluate import PICTURES_FOLDER, evaluate
from training.results.export import export

RATE_HZ = 11_025  # of the chord bundle among the made-up ones


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "cache")


@pytest.fixture(scope="module")
def genre_with_pictures(tmp_path_factory: pytest.TempPathFactory, genre_bundle: Path) -> Path:
    """A bundle with a variant for pictures; not to be changed."""
    folder = tmp_path_factory.mktemp("with_pictures")
    shutil.copytree(genre_bundle, folder / "models" / "genre")
    export(TINY_PICTURES, write_run(folder / "run", TINY_PICTURES), folder / "models")
    return folder / "models" / "genre"


PICTURED = ("blues", "jazz", "rock")


def write_archive(path: Path) -> Path:
    np.savez(
        path,
        mel=np.stack([random_levels(seed) for seed in range(3)]),
        name=np.array([f"{genre}.00001" for genre in PICTURED]),
        genre=np.array(PICTURED),
    )
    return path


def write_pictures(folder: Path) -> Path:
    for seed, genre in enumerate(PICTURED):
        path = folder / "images_original" / genre / f"{genre}00001.png"
        write_picture(path, random_levels(seed))
    return folder


@pytest.mark.parametrize("given", ["archive", "pictures"])
def test_grids_and_pictures_are_scored_by_the_variant_for_them(
    tmp_path: Path, genre_with_pictures: Path, cache: FeatureCache, given: str
) -> None:
    data = write_archive(tmp_path / "x.npz") if given == "archive" else write_pictures(tmp_path)

    report = evaluate(genre_with_pictures, [data], cache)

    variant = Bundle.load(genre_with_pictures / PICTURES_FOLDER)
    assert variant.card.features == SPEC
    assert (report.bundle, report.version) == ("genre", TINY_PICTURES.version)
    assert [clip.truth for clip in report.clips] == list(PICTURED)
    for row, level in zip(report.clips, map(random_levels, range(3)), strict=True):
        logits = variant.window_logits(to_features(level)).mean(axis=0)
        np.testing.assert_allclose(
            list(row.probabilities.values()), variant.probabilities(logits), atol=2e-3
        )


def test_an_archives_rows_are_named_by_archive_and_clip(
    tmp_path: Path, genre_with_pictures: Path, cache: FeatureCache
) -> None:
    report = evaluate(genre_with_pictures, [write_archive(tmp_path / "x.npz")], cache)
    assert [clip.name for clip in report.clips] == [f"x.npz:{genre}.00001" for genre in PICTURED]


def write_both(folder: Path) -> Path:
    """Write one clip as audio and as a grid, and two grids more."""
    write_wav(folder / "blues.00001.wav", tone(440, 1.0, rate_hz=RATE_HZ), RATE_HZ)
    write_csv(folder / "genre.csv", ("file", "genre"), [("blues.00001.wav", "blues")])
    write_archive(folder / "gtzan_mel.npz")
    return folder


def test_audio_is_scored_by_the_bundle_itself_also_where_grids_lie_beside_it(
    tmp_path: Path, genre_with_pictures: Path, cache: FeatureCache
) -> None:
    report = evaluate(genre_with_pictures, [write_both(tmp_path / "data")], cache)

    assert report.version == TINY_GENRE.version != TINY_PICTURES.version
    assert [clip.name for clip in report.clips] == ["blues.00001.wav"]


def test_grids_among_audio_are_scored_by_the_variant_and_the_audio_by_the_bundle(
    tmp_path: Path, genre_with_pictures: Path, cache: FeatureCache
) -> None:
    write_wav(tmp_path / "jazz.wav", tone(440, 1.0, rate_hz=RATE_HZ), RATE_HZ)
    audio = write_csv(tmp_path / "genre.csv", ("file", "genre"), [("jazz.wav", "jazz")])
    grids = write_archive(tmp_path / "x.npz")

    report = evaluate(genre_with_pictures, [audio, grids], cache)

    alone = [evaluate(genre_with_pictures, [data], cache) for data in (grids, audio)]
    assert report.clips == [row for part in alone for row in part.clips]
    assert report.version == f"{TINY_PICTURES.version}, {TINY_GENRE.version}"


def test_a_variant_for_pictures_reads_the_grids_beside_the_audio(
    tmp_path: Path, genre_with_pictures: Path, cache: FeatureCache
) -> None:
    variant = genre_with_pictures / PICTURES_FOLDER

    report = evaluate(variant, [write_both(tmp_path / "data")], cache)

    assert report.version == TINY_PICTURES.version
    assert [clip.truth for clip in report.clips] == list(PICTURED)


def test_a_variant_that_does_not_load_is_a_mistake(
    tmp_path: Path, genre_bundle: Path, cache: FeatureCache
) -> None:
    bundle = tmp_path / "genre"
    shutil.copytree(genre_bundle, bundle)
    (bundle / PICTURES_FOLDER).mkdir()
    with pytest.raises(TrainingError, match=r"cannot be used.*card\.json does not exist"):
        evaluate(bundle, [write_archive(tmp_path / "x.npz")], cache)


def test_grids_are_refused_where_there_is_no_variant_for_them(
    tmp_path: Path, genre_bundle: Path, cache: FeatureCache
) -> None:
    with pytest.raises(TrainingError, match="Give audio files instead"):
        evaluate(genre_bundle, [write_archive(tmp_path / "x.npz")], cache)
