from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.audio.decode import clip_of
from service.inference import grids as grids_module
from service.inference.bands import BandMeter
from service.inference.bundle import Bundle
from service.inference.bundle_files import BANK_FILE, CONTEXT_BANK_FILE
from service.inference.classification import classify
from service.inference.features import GridMaker
from service.inference.grids import needed_rates_hz
from tests.audio import RATE_HZ, noise, tone
from tests.bundles import CHORDS, GENRES, SAMPLE_RATE_HZ, band_centre_hz, rehash, write_bundle
from tests.goldens import write_golden
from tests.service.inference.asking import CountedNetworks, amplified, decoded


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sampling rate and the number of bands of each grid that is computed."""
    grids: list[tuple[int, int]] = []

    def counted(meter: BandMeter) -> GridMaker:
        grids.append((meter.spec.sample_rate_hz, meter.spec.bands))
        return GridMaker(meter)

    monkeypatch.setattr(grids_module, "GridMaker", counted)
    return grids


def test_bundles_with_the_same_features_share_one_grid(
    tmp_path: Path, computed: list[tuple[int, int]]
) -> None:
    names = ("first", "second")
    bundles = {name: Bundle.load(write_bundle(tmp_path / name)) for name in names}
    bundles["other"] = Bundle.load(
        write_bundle(tmp_path / "other", labels=CHORDS, sample_rate_hz=8_000)
    )
    computed.clear()

    answers = classify(decoded(tone()), bundles)

    assert list(answers) == ["first", "second", "other"]
    assert computed == [(SAMPLE_RATE_HZ, len(GENRES)), (SAMPLE_RATE_HZ, len(CHORDS))]


@pytest.mark.parametrize("order", [("chord", "emotion"), ("emotion", "chord")])
def test_a_context_shares_the_grid_of_a_bundle_with_its_features(
    tmp_path: Path, order: tuple[str, str], computed: list[tuple[int, int]]
) -> None:
    bundles = {
        "chord": Bundle.load(write_bundle(tmp_path / "chord", sample_rate_hz=11_025, frames=16)),
        "emotion": amplified(tmp_path / "emotion", context_rate_hz=11_025),
    }
    clip = clip_of(tone(), RATE_HZ, needed_rates_hz(bundles.values()))
    alone = {name: classify(clip, {name: bundles[name]})[name] for name in order}
    computed.clear()

    answers = classify(clip, {name: bundles[name] for name in order})

    assert sorted(computed) == [(8_000, len(GENRES)), (11_025, len(GENRES))]
    for name, answer in answers.items():
        np.testing.assert_array_equal(answer.probabilities, alone[name].probabilities)


def test_a_context_with_another_filter_bank_has_a_grid_of_its_own(
    tmp_path: Path, computed: list[tuple[int, int]]
) -> None:
    folder = write_bundle(tmp_path / "emotion", embedding_gain=2.0, context_rate_hz=11_025)
    card = Bundle.load(folder).card
    bank = np.load(folder / BANK_FILE)
    np.save(folder / CONTEXT_BANK_FILE, np.load(folder / CONTEXT_BANK_FILE)[::-1])
    write_golden(folder, card.features, card.windows, bank, card.context)
    rehash(folder)
    chord = Bundle.load(write_bundle(tmp_path / "chord", sample_rate_hz=11_025))
    bundles = {"chord": chord, "emotion": Bundle.load(folder)}
    computed.clear()

    classify(clip_of(tone(), RATE_HZ, needed_rates_hz(bundles.values())), bundles)

    assert sorted(computed) == [(8_000, 4), (11_025, 4), (11_025, 4)]


def test_the_same_specification_with_another_filter_bank_is_computed_anew(
    genre: Bundle, tmp_path: Path
) -> None:
    folder = write_bundle(tmp_path / "flipped")
    bank = genre.bank[::-1]
    np.save(folder / BANK_FILE, bank)
    write_golden(folder, genre.card.features, genre.card.windows, bank)
    rehash(folder)
    clip = decoded(tone(band_centre_hz(0, 4), rate_hz=8_000), 8_000)

    answers = classify(clip, {"genre": genre, "flipped": Bundle.load(folder)})

    assert answers["genre"].probabilities.argmax() == 0
    assert answers["flipped"].probabilities.argmax() == 3


@pytest.mark.parametrize("timeline", [False, True])
def test_bundles_with_the_same_embedding_share_one_pass_through_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, timeline: bool
) -> None:
    first, second = amplified(tmp_path / "first"), amplified(tmp_path / "second", temperature=3.0)
    clip = decoded(tone(band_centre_hz(2, 4), 2.0, rate_hz=8_000), 8_000)
    alone = {name: classify(clip, {name: b}) for name, b in {"a": first, "b": second}.items()}
    n_windows = len(first.window_logits(first.features(clip.waveforms[SAMPLE_RATE_HZ])))
    counted = CountedNetworks(monkeypatch)

    answers = classify(clip, {"a": first, "b": second}, timeline=timeline)

    assert counted.seen(first) == counted.seen(second) == (n_windows, n_windows)
    for name, answer in answers.items():
        np.testing.assert_array_equal(answer.probabilities, alone[name][name].probabilities)
        assert answer.label == GENRES[2]


def test_bundles_share_one_pass_through_the_embedding_when_only_one_has_a_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = amplified(tmp_path / "plain")
    informed = amplified(tmp_path / "informed", context_rate_hz=11_025)
    bundles = {"plain": plain, "informed": informed}
    clip = clip_of(noise(2.0, rate_hz=8_000), 8_000, needed_rates_hz(bundles.values()))
    alone = {name: classify(clip, {name: b})[name] for name, b in bundles.items()}
    n_windows = len(plain.window_logits(plain.features(clip.waveforms[SAMPLE_RATE_HZ])))
    counted = CountedNetworks(monkeypatch)

    answers = classify(clip, bundles)

    assert counted.seen(plain) == counted.seen(informed) == (n_windows, n_windows)
    for name, answer in answers.items():
        np.testing.assert_array_equal(answer.probabilities, alone[name].probabilities)


@pytest.mark.parametrize("settings", [{"gain": 1.0}, {"stride_frames": 8}, {"frames": 30}], ids=str)
def test_an_embedding_is_shared_only_where_all_that_it_depends_on_is_the_same(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles = {"a": amplified(tmp_path / "a"), "b": amplified(tmp_path / "b", **settings)}
    clip = decoded(noise(2.0, rate_hz=8_000), 8_000)
    alone = {name: classify(clip, {name: b})[name] for name, b in bundles.items()}
    n_windows = sum(
        len(b.window_logits(b.features(clip.waveforms[SAMPLE_RATE_HZ]))) for b in bundles.values()
    )
    counted = CountedNetworks(monkeypatch)

    answers = classify(clip, bundles)

    embeddings = {b._embedding for b in bundles.values()}
    assert sum(n for network, n in counted.windows.items() if network in embeddings) == n_windows
    for name, answer in answers.items():
        np.testing.assert_array_equal(answer.probabilities, alone[name].probabilities)


def test_the_same_embedding_of_another_filter_bank_is_computed_anew(
    tmp_path: Path,
) -> None:
    usual = amplified(tmp_path / "usual")
    folder = write_bundle(tmp_path / "flipped", embedding_gain=2.0)
    np.save(folder / BANK_FILE, usual.bank[::-1])
    write_golden(folder, usual.card.features, usual.card.windows, usual.bank[::-1])
    rehash(folder)
    clip = decoded(tone(band_centre_hz(0, 4), rate_hz=8_000), 8_000)

    answers = classify(clip, {"usual": usual, "flipped": Bundle.load(folder)})

    assert answers["usual"].label == GENRES[0]
    assert answers["flipped"].label == GENRES[3]
