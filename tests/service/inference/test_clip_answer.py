from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import Samples, clip_of
from service.inference.bundle import Bundle, Logits
from service.inference.classification import classify
from service.inference.clip_answer import clip_answer, trace
from service.inference.grids import needed_rates_hz
from service.inference.onsets import OnsetSpec
from service.inference.timeline import LabelledSegment, TimelineSpec
from service.inference.windows import Slices, Windows, cut_windows, window_starts
from tests.audio import noise, tone
from tests.bundles import GENRES, band_centre_hz, write_bundle
from tests.service.inference.asking import CountedNetworks, amplified, decoded


def timeline_of(bundle: Bundle, samples: Samples, rate_hz: int = 8_000) -> list[LabelledSegment]:
    timeline = classify(decoded(samples, rate_hz), {"it": bundle}, timeline=True)["it"].timeline
    assert timeline is not None
    return timeline


def test_segments_follow_a_change_of_sound(genre: Bundle) -> None:
    halves = [tone(band_centre_hz(band, 4), 2.0, rate_hz=8_000) for band in (0, 3)]

    timeline = timeline_of(genre, np.concatenate(halves))

    assert {GENRES[s.label] for s in timeline if s.segment.end_s < 1.7} == {GENRES[0]}
    assert {GENRES[s.label] for s in timeline if s.segment.start_s > 2.3} == {GENRES[3]}


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
    expected = clip_answer(bundle, len(grid), lambda: logits, traced).probabilities
    np.testing.assert_allclose(answer.probabilities, expected)
    if timeline is None:
        np.testing.assert_allclose(expected, bundle.probabilities(logits.mean(axis=0)))
    np.testing.assert_allclose(answer.ratings, np.clip(ratings.mean(axis=0), 0, 1))
    assert answer.timeline is not None
    if timeline is None:
        heard = np.stack([s.probabilities for s in answer.timeline])
        np.testing.assert_allclose(heard, bundle.probabilities(logits))
    assert answer.timeline[-1].segment.end_s == pytest.approx(3.0)


@pytest.mark.parametrize("duration_s", [0.1, 0.5, 1.0, 60.0])
def test_any_duration_gets_a_timeline_over_all_of_it(genre: Bundle, duration_s: float) -> None:
    timeline = timeline_of(genre, tone(duration_s=duration_s, rate_hz=8_000))

    assert timeline[0].segment.start_s == 0
    assert timeline[-1].segment.end_s == pytest.approx(duration_s)
    assert all(np.isfinite(s.probabilities).all() for s in timeline)


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


@pytest.mark.parametrize("change_s", [0.9, 1.13, 1.37, 1.5])
def test_with_onsets_segments_end_to_the_hundredth_of_a_second(
    joining: Bundle, change_s: float
) -> None:
    onsets = OnsetSpec(fft_samples=128, hop_samples=64)
    spec = JOINING.model_copy(update={"onsets": onsets})
    bundle = Bundle(
        joining.card.model_copy(update={"timeline": spec}), joining.bank, joining._network
    )
    timeline = timeline_of(bundle, tones((FIRST, change_s), (SECOND, 3 - change_s)))

    assert [s.label for s in timeline] == [FIRST, SECOND]
    assert timeline[0].segment.end_s == pytest.approx(change_s, abs=0.01)


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


def test_a_timeline_may_have_more_windows_than_the_whole_is_told_by(
    joining: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = CountedNetworks(monkeypatch)
    timeline = JOINING.model_copy(update={"stride_frames": 4})
    card = joining.card.model_copy(update={"timeline": timeline})
    bundle = Bundle(card, joining.bank, joining._network)
    samples = tones((FIRST, 3.0))
    n_frames = len(bundle.features(samples))

    assert [s.label for s in timeline_of(bundle, samples)] == [FIRST]

    of_the_whole = len(window_starts(n_frames, card.windows))
    of_its_own = len(window_starts(n_frames, timeline.windows(card.windows)))
    assert of_its_own > 3 * of_the_whole
    assert networks.windows[bundle._network] == of_its_own + of_the_whole


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
