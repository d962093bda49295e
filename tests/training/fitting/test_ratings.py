import json
from pathlib import Path

import numpy as np
import pytest

from tests.audio import noise
from tests.training.made import make_clip, write_csv, write_wav
from tests.training.tiny import TOY, TOY_ON_TOP, TOY_UNITS, toy_backbone
from training.data.cache import FeatureCache
from training.data.scales import ENERGY, RATINGS_LIST, VALENCE, RatedClips
from training.fitting.ratings import Heard, fit_line, hear, measure, ratings_network, summaries

N_CLIPS = 80
UNITS = 12
RNG = np.random.default_rng(3)


def make_heard(values: np.ndarray, embeddings: np.ndarray) -> Heard:
    """Return clips of two collections in turn."""
    clips = [
        make_clip("", f"g{i}", name=f"{i}.wav", data_set=("films", "votes")[i % 2])
        for i in range(len(values))
    ]
    return Heard(RatedClips(clips, values), embeddings)


@pytest.fixture
def embeddings() -> np.ndarray:
    return RNG.standard_normal((N_CLIPS, UNITS))


def test_a_line_finds_what_is_a_line_whatever_the_units_scales(embeddings: np.ndarray) -> None:
    embeddings = embeddings * np.logspace(-1, 3, UNITS) + 5
    values = 0.5 + embeddings @ (np.arange(UNITS) / np.logspace(-1, 3, UNITS))

    line = fit_line(embeddings[:60], values[:60], penalty=1e-6)

    np.testing.assert_allclose(line.predict(embeddings[60:]), values[60:], rtol=1e-3, atol=1e-2)


def test_a_higher_penalty_is_flatter_around_the_mean(embeddings: np.ndarray) -> None:
    values = embeddings[:, 0] + 7
    steep, flat = (fit_line(embeddings, values, penalty) for penalty in (0.1, 100.0))
    assert flat.predict(embeddings).std() < 0.5 * steep.predict(embeddings).std()
    assert flat.predict(embeddings).mean() == pytest.approx(values.mean())


def test_a_unit_that_hardly_moved_does_not_spoil_the_line(embeddings: np.ndarray) -> None:
    embeddings[:, 1] *= 1e-8
    line = fit_line(embeddings, embeddings[:, 0], penalty=0.01)
    other = np.zeros((1, UNITS))
    other[0, 1] = 1
    assert abs(line.predict(other)[0]) < 1


def test_each_collection_is_judged_by_a_line_through_the_other(embeddings: np.ndarray) -> None:
    # Films follow the first unit and votes the second, on other scales: no line through one
    # tells the other, while both follow the third.
    films = np.arange(N_CLIPS) % 2 == 0
    apart = np.where(films, embeddings[:, 0], 100 + 9 * embeddings[:, 1])
    together = np.where(films, embeddings[:, 2], 100 + 9 * embeddings[:, 2])
    heard = make_heard(np.stack([together, apart], axis=1), embeddings)

    energy, valence = measure(heard, (ENERGY, VALENCE))

    assert [(c.learned_from, c.data_set, c.n) for c in energy.evaluation] == [
        ("votes", "films", N_CLIPS // 2),
        ("films", "votes", N_CLIPS // 2),
    ]
    assert all(check.correlation.low > 0.9 for check in energy.evaluation)
    assert all(check.correlation.value < 0.5 for check in valence.evaluation)
    assert summaries([energy])[0].startswith("energy, learned from votes: correlation ")


def test_one_collection_alone_cannot_be_measured(embeddings: np.ndarray) -> None:
    clips = [make_clip("", f"g{i}", name=f"{i}.wav") for i in range(N_CLIPS)]
    heard = Heard(RatedClips(clips, embeddings[:, :1]), embeddings)
    assert measure(heard, (ENERGY,))[0].evaluation == []


def test_the_network_says_ranks_and_ignores_who_was_not_asked(embeddings: np.ndarray) -> None:
    values = np.stack([embeddings[:, 0], 50 - 3 * embeddings[:, 1]], axis=1)
    values[::4, 1] = np.nan
    network = ratings_network(make_heard(values, embeddings), (ENERGY, VALENCE))

    ratings = network.predict(embeddings[:, np.newaxis], verbose=0)

    assert ratings.shape == (N_CLIPS, 2)
    assert np.corrcoef(ratings[:, 0], embeddings[:, 0])[0, 1] > 0.9
    assert np.corrcoef(ratings[:, 1], embeddings[:, 1])[0, 1] < -0.9
    np.testing.assert_allclose(np.nanmean(ratings, axis=0), 0.5, atol=0.1)


def test_clips_are_heard_as_the_service_hears_them(tmp_path: Path) -> None:
    rate_hz = TOY.inputs.features.sample_rate_hz
    rows = []
    for n in range(3):
        write_wav(tmp_path / f"{n}.wav", noise(1.0, rate_hz=rate_hz, seed=n), rate_hz)
        rows.append((f"{n}.wav", "films", str(n)))
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    rows.append(("broken.wav", "films", "9"))
    write_csv(tmp_path / RATINGS_LIST, ("file", "dataset", "rated_energy"), rows)

    backbone = toy_backbone()
    heard = hear(TOY_ON_TOP, (ENERGY,), [tmp_path], FeatureCache(tmp_path / "cache"), backbone)

    assert heard.embeddings.shape == (3, TOY_UNITS)
    np.testing.assert_array_equal(heard.rated.values, [[0], [1], [2]])
    assert len(np.unique(heard.embeddings[:, 0])) == 3


def test_ratings_can_be_kept_as_json(embeddings: np.ndarray) -> None:
    (energy,) = measure(make_heard(embeddings[:, :1], embeddings), (ENERGY,))
    assert json.loads(energy.model_dump_json())["name"] == "energy"
