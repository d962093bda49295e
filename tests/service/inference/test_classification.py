from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.audio.decode import Clip, Samples, clip_of
from service.inference import grids as grids_module
from service.inference.bands import BandMeter
from service.inference.bundle import Bundle, Logits
from service.inference.bundle_files import BANK_FILE, CONTEXT_BANK_FILE
from service.inference.card import LengthCalibration
from service.inference.classification import Classification, classify
from service.inference.clip_answer import clip_logits, clip_probabilities, trace
from service.inference.features import GridMaker
from service.inference.grids import needed_rates_hz
from service.inference.network import Answers, Network
from service.inference.timeline import LabelledSegment, TimelineSpec
from service.inference.windows import Slices, Windows, cut_windows
from tests.audio import RATE_HZ, noise, tone
from tests.bundles import (
    CHORDS,
    GENRES,
    SAMPLE_RATE_HZ,
    band_centre_hz,
    edit_card,
    rehash,
    write_bundle,
)
from tests.goldens import write_golden


def decoded(samples: Samples, rate_hz: int = RATE_HZ) -> Clip:
    return clip_of(samples, rate_hz, [SAMPLE_RATE_HZ])


def timeline_of(bundle: Bundle, samples: Samples, rate_hz: int = 8_000) -> list[LabelledSegment]:
    timeline = classify(decoded(samples, rate_hz), {"it": bundle}, timeline=True)["it"].timeline
    assert timeline is not None
    return timeline


@pytest.fixture(scope="module")
def genre(models_dir: Path) -> Bundle:
    return Bundle.load(models_dir / "genre")


@pytest.mark.parametrize("label", GENRES)
@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
def test_the_label_is_found_at_any_sampling_rate(genre: Bundle, label: str, rate_hz: int) -> None:
    frequency_hz = band_centre_hz(GENRES.index(label), len(GENRES))

    answer = classify(decoded(tone(frequency_hz, rate_hz=rate_hz), rate_hz), {"any": genre})["any"]

    assert genre.card.labels[answer.probabilities.argmax()] == label
    assert answer.probabilities.sum() == pytest.approx(1)
    assert answer.bundle is genre


def test_the_clip_answer_is_the_calibrated_mean_of_the_windows_logits(genre: Bundle) -> None:
    samples = noise(3.0, rate_hz=8_000)
    logits = genre.window_logits(genre.features(samples))

    answer = classify(decoded(samples, 8_000), {"genre": genre}, timeline=True)["genre"]

    np.testing.assert_allclose(clip_logits(logits), logits.mean(axis=0))
    np.testing.assert_allclose(answer.probabilities, genre.probabilities(logits.mean(axis=0)))
    assert answer.timeline is not None
    windows = np.stack([s.probabilities for s in answer.timeline])
    np.testing.assert_allclose(windows, genre.probabilities(logits))


def test_silence_and_a_quiet_room_around_the_music_change_nothing_but_the_timeline(
    tmp_path: Path,
) -> None:
    bundle = amplified(tmp_path / "it", rating_bands={"energy": 3})
    music = noise(2.0, rate_hz=8_000)
    around = 1e-4 * noise(20.0, rate_hz=8_000, seed=1)

    def answered(samples: Samples) -> Classification:
        return classify(decoded(samples, 8_000), {"it": bundle}, timeline=True)["it"]

    alone, amid = answered(music), answered(np.concatenate([0 * around, around, music, around]))

    np.testing.assert_allclose(amid.probabilities, alone.probabilities, atol=0.01)
    np.testing.assert_allclose(amid.ratings, alone.ratings, atol=0.01)
    assert amid.timeline is not None
    assert amid.timeline[-1].segment.end_s == pytest.approx(62.0)


def test_segments_follow_a_change_of_sound(genre: Bundle) -> None:
    halves = [tone(band_centre_hz(band, 4), 2.0, rate_hz=8_000) for band in (0, 3)]

    timeline = timeline_of(genre, np.concatenate(halves))

    assert {GENRES[s.label] for s in timeline if s.segment.end_s < 1.7} == {GENRES[0]}
    assert {GENRES[s.label] for s in timeline if s.segment.start_s > 2.3} == {GENRES[3]}


def test_nobody_waits_for_a_timeline_that_was_not_asked_for(genre: Bundle) -> None:
    answer = classify(decoded(tone(rate_hz=8_000), 8_000), {"genre": genre})["genre"]
    assert answer.timeline is None


def test_an_answer_is_uncertain_below_the_cards_threshold_only(tmp_path: Path) -> None:
    clip = decoded(tone(band_centre_hz(0, 4), rate_hz=8_000), 8_000)
    bold = Bundle.load(write_bundle(tmp_path / "bold", uncertain_below=0.1))
    shy = Bundle.load(write_bundle(tmp_path / "shy", uncertain_below=1.0))

    answers = classify(clip, {"bold": bold, "shy": shy})

    assert not answers["bold"].uncertain
    assert answers["shy"].uncertain


def test_a_higher_temperature_is_less_confident_about_the_same_label(tmp_path: Path) -> None:
    clip = decoded(tone(band_centre_hz(2, 4), rate_hz=8_000), 8_000)
    cold = Bundle.load(write_bundle(tmp_path / "cold", temperature=1.0))
    warm = Bundle.load(write_bundle(tmp_path / "warm", temperature=5.0))

    answers = classify(clip, {"cold": cold, "warm": warm})

    assert answers["warm"].probabilities.max() < answers["cold"].probabilities.max()
    assert answers["warm"].probabilities.argmax() == answers["cold"].probabilities.argmax()


def test_ratings_are_the_windows_mean_within_the_scale(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "emotion", rating_bands={"low": 0, "high": 3}))
    loud, silent = tone(band_centre_hz(0, 4), rate_hz=8_000), np.zeros(8_000, np.float32)
    windows = cut_windows(bundle.features(silent), bundle.card.windows)

    ratings = [classify(decoded(x, 8_000), {"it": bundle})["it"].ratings for x in (loud, silent)]

    np.testing.assert_allclose(ratings[1], bundle.rate_embedded(windows).mean(axis=0), atol=1e-6)
    assert ratings[1].max() < 0.2
    assert ratings[0][0] == 1


def test_each_sampling_rate_is_needed_once(tmp_path: Path) -> None:
    rates_hz = {"a": 11_025, "b": 8_000, "c": 11_025}
    bundles = [
        Bundle.load(write_bundle(tmp_path / name, sample_rate_hz=rate_hz))
        for name, rate_hz in rates_hz.items()
    ]
    assert needed_rates_hz(bundles) == [8_000, 11_025]


def test_the_rate_of_a_context_is_needed_too(tmp_path: Path) -> None:
    bundle = amplified(tmp_path / "emotion", context_rate_hz=11_025)
    assert needed_rates_hz([bundle]) == [8_000, 11_025]


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


@pytest.mark.parametrize("timeline", [None, TimelineSpec(change_probability=0.1, heard_frames=16)])
def test_each_window_is_answered_with_what_the_context_hears_in_the_clip(
    tmp_path: Path, timeline: TimelineSpec | None
) -> None:
    bundle = amplified(tmp_path / "emotion", context_rate_hz=11_025, rating_bands={"energy": 3})
    bundle.card = bundle.card.model_copy(update={"timeline": timeline})
    context = bundle.context
    assert context is not None
    clip = clip_of(noise(3.0, rate_hz=8_000), 8_000, needed_rates_hz([bundle]))
    grid = bundle.features(clip.waveforms[8_000])
    context_grid = context.features(clip.waveforms[11_025])
    logits = bundle.window_logits(grid, context_grid)
    windows = cut_windows(grid, bundle.card.windows)
    ratings = bundle.rate_embedded(bundle.embed(windows))

    answer = classify(clip, {"it": bundle}, timeline=True)["it"]

    traced = trace(bundle, grid, lambda: logits, clip.duration_s, context_grid)
    expected = clip_probabilities(bundle, len(grid), lambda: logits, traced)
    np.testing.assert_allclose(answer.probabilities, expected)
    if timeline is None:
        np.testing.assert_allclose(expected, bundle.probabilities(logits.mean(axis=0)))
    np.testing.assert_allclose(answer.ratings, np.clip(ratings.mean(axis=0), 0, 1))
    assert answer.timeline is not None
    if timeline is None:
        heard = np.stack([s.probabilities for s in answer.timeline])
        np.testing.assert_allclose(heard, bundle.probabilities(logits))
    assert answer.timeline[-1].segment.end_s == pytest.approx(3.0)


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


class CountedNetworks:
    """Counts how often each network file is asked about windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.windows: Counter[Network] = Counter()

        def run(network: Network, windows: Windows) -> Answers:
            self.windows[network] += len(windows)
            return RUN(network, windows)

        monkeypatch.setattr(Network, "run", run)

    def seen(self, bundle: Bundle) -> tuple[int, int]:
        """Return how many windows a bundle's embedding and head have seen."""
        assert bundle._embedding is not None
        return self.windows[bundle._embedding], self.windows[bundle._network]


RUN = Network.run


def amplified(folder: Path, gain: float = 2.0, **settings: Any) -> Bundle:
    return Bundle.load(write_bundle(folder, embedding_gain=gain, **settings))


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


@pytest.mark.parametrize("duration_s", [0.1, 0.5, 1.0, 60.0])
def test_any_duration_gets_a_timeline_over_all_of_it(genre: Bundle, duration_s: float) -> None:
    timeline = timeline_of(genre, tone(duration_s=duration_s, rate_hz=8_000))

    assert timeline[0].segment.start_s == 0
    assert timeline[-1].segment.end_s == pytest.approx(duration_s)
    assert all(np.isfinite(s.probabilities).all() for s in timeline)


def test_silence_is_answered_with_finite_probabilities(genre: Bundle) -> None:
    answer = classify(decoded(np.zeros(8_000, np.float32), 8_000), {"genre": genre})["genre"]
    assert answer.probabilities.sum() == pytest.approx(1)


MANY = tuple(f"label {n}" for n in range(36))
JOINING = TimelineSpec(change_probability=0.1, heard_frames=16, bands_per_octave=12)
FIRST, SECOND = 3, 20  # bands of different pitch classes, were three octaves of twelve


@pytest.fixture(scope="module")
def joining(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle that joins short windows, 0.26 s apart, and moves the ends of segments."""
    bundle = Bundle.load(write_bundle(tmp_path_factory.mktemp("models") / "many", labels=MANY))
    bundle.card = bundle.card.model_copy(update={"timeline": JOINING})
    return bundle


def tones(*parts: tuple[int, float]) -> Samples:
    """Return the tones of some labels, each for so many seconds."""
    frequencies = [band_centre_hz(label, len(MANY)) for label, _ in parts]
    return np.concatenate(
        [tone(f, s, rate_hz=8_000) for f, (_, s) in zip(frequencies, parts, strict=True)]
    )


@pytest.mark.parametrize("change_s", [0.9, 1.13, 1.37, 1.5])
def test_segments_end_where_the_sound_changes(joining: Bundle, change_s: float) -> None:
    timeline = timeline_of(joining, tones((FIRST, change_s), (SECOND, 3 - change_s)))

    assert [s.label for s in timeline] == [FIRST, SECOND]
    assert timeline[0].segment.end_s == pytest.approx(change_s, abs=0.03)


def test_short_windows_are_those_of_the_clip_ending_in_silence(joining: Bundle) -> None:
    heard: list[Windows] = []

    class Listener(Bundle):
        def run_embedded(self, embedding: Slices) -> Logits:
            heard.append(embedding[:])
            return super().run_embedded(embedding)

    listener = Listener(joining.card, joining.bank, joining._network)
    timeline_of(listener, tones((FIRST, 1.0)))

    short, whole = heard
    assert short.shape[1:] == whole.shape[1:] == (32, len(MANY))
    assert whole[0].any(axis=1).all()
    assert short[0].any(axis=1).tolist() == [True] * 16 + [False] * 16


@pytest.mark.parametrize("duration_s", [0.02, 0.1, 0.3, 1.0, 7.77])
@pytest.mark.parametrize("amplitude", [0.0, 0.5])
def test_joined_segments_tile_the_clip_and_neighbours_differ(
    joining: Bundle, duration_s: float, amplitude: float
) -> None:
    rng = np.random.default_rng(3)
    samples = np.concatenate(
        [tones((int(rng.integers(36)), duration_s / 4)) for _ in range(4)]
    )  # fmt: skip
    duration_s = len(samples) / 8_000

    timeline = timeline_of(joining, np.float32(2 * amplitude) * samples)

    edges = [timeline[0].segment.start_s, *(s.segment.end_s for s in timeline)]
    assert edges[0] == 0
    assert edges[-1] == pytest.approx(duration_s)
    assert [s.segment.start_s for s in timeline] == edges[:-1]
    assert all(a < b for a, b in pairwise(edges))
    assert all(a.label != b.label for a, b in pairwise(timeline))
    if amplitude == 0:
        assert len(timeline) == 1


@pytest.mark.parametrize(("amplitude", "uncertain"), [(0.5, False), (1e-6, True)])
def test_a_silent_clip_is_uncertain_however_sure_the_network_is(
    genre: Bundle, amplitude: float, uncertain: bool
) -> None:
    samples = tone(band_centre_hz(1, len(GENRES)), rate_hz=8_000, amplitude=amplitude)
    answer = classify(decoded(samples, 8_000), {"any": genre})["any"]
    assert answer.probabilities.max() > genre.card.calibration.uncertain_below
    assert answer.uncertain is uncertain


def test_a_bundle_that_joins_windows_names_what_sounds_longest_and_for_how_long(
    joining: Bundle,
) -> None:
    samples = tones((FIRST, 1.2), (SECOND, 2.4))
    for timeline in (False, True):
        answer = classify(decoded(samples, 8_000), {"it": joining}, timeline=timeline)["it"]
        assert answer.probabilities.argmax() == SECOND
        assert answer.probabilities.sum() == pytest.approx(1)
        assert answer.shares is not None
        assert [s.label for s in answer.shares] == [SECOND, FIRST]
        assert answer.shares[0].share == pytest.approx(2 / 3, abs=0.02)
        assert sum(s.share for s in answer.shares) == pytest.approx(1)
        assert (answer.timeline is not None) is timeline


def test_a_clip_of_one_label_is_answered_as_without_joining(joining: Bundle) -> None:
    clip = decoded(tones((FIRST, 3.0)), 8_000)
    apart = Bundle(
        joining.card.model_copy(update={"timeline": None}), joining.bank, joining._network
    )

    one, other = (classify(clip, {"it": bundle})["it"] for bundle in (joining, apart))

    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)
    assert other.shares is None


def test_the_clips_own_windows_are_asked_about_only_where_one_label_sounds(
    joining: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = CountedNetworks(monkeypatch)
    one, several = tones((FIRST, 3.0)), tones((FIRST, 1.5), (SECOND, 1.5))
    asked = []
    for samples in (one, several):
        counted.windows.clear()
        classify(decoded(samples, 8_000), {"it": joining})
        asked.append(counted.windows[joining._network])
    assert asked[1] < 0.6 * asked[0]


def by_length(bundle: Bundle, **changes: object) -> Bundle:
    """Return the bundle with a calibration by the length heard."""
    calibration = bundle.card.calibration.model_copy(
        update={
            "by_length": [
                LengthCalibration(heard_s=0.1, temperature=20.0),
                LengthCalibration(heard_s=2.0, temperature=1.0),
            ],
            **changes,
        }
    )
    bundle.card = bundle.card.model_copy(update={"calibration": calibration})
    return bundle


def test_the_less_is_heard_the_less_sure_is_the_answer(tmp_path: Path) -> None:
    bundle = by_length(Bundle.load(write_bundle(tmp_path / "genre")))
    confidences = [
        classify(decoded(tone(duration_s=s, rate_hz=8_000), 8_000), {"": bundle})[""]
        .probabilities.max()
        for s in (0.1, 0.3, 1.0, 2.0)
    ]  # fmt: skip
    assert confidences == sorted(confidences)
    assert confidences[-1] > confidences[0] + 0.2


def test_a_window_is_as_sure_as_a_clip_of_its_length(tmp_path: Path) -> None:
    bundle = by_length(Bundle.load(write_bundle(tmp_path / "genre")))
    samples = tone(duration_s=3.0, rate_hz=8_000)
    spec = bundle.card.windows
    logits = bundle.window_logits(bundle.features(samples))

    answer = classify(decoded(samples, 8_000), {"": bundle}, timeline=True)[""]

    window_s = spec.frames * bundle.card.features.hop_s
    assert window_s < 1
    assert answer.timeline is not None
    heard = np.stack([s.probabilities for s in answer.timeline])
    np.testing.assert_allclose(heard, bundle.probabilities(logits, window_s))


def test_up_to_some_length_every_answer_is_uncertain(tmp_path: Path) -> None:
    bundle = by_length(
        Bundle.load(write_bundle(tmp_path / "genre", uncertain_below=0.0)), uncertain_up_to_s=0.3
    )
    shortest, longer = (
        classify(decoded(tone(duration_s=s, rate_hz=8_000), 8_000), {"": bundle})[""]
        for s in (0.3, 0.4)
    )
    assert shortest.uncertain
    assert not longer.uncertain


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
