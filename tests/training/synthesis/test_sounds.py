from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from training.data.labels import INTERVALS, QUALITIES
from training.synthesis import noises
from training.synthesis.guitar import (
    STANDARD_TUNING,
    GuitarSound,
    render_chord,
    render_notes,
    voicing,
)
from training.synthesis.sounds import (
    accompany,
    render_golden_clip,
    render_no_chord,
    render_no_music,
)
from training.synthesis.waveform import Waveform

Render = Callable[[float, int, Generator], Waveform]

RATE_HZ = 22_050
# Dull and played at once, so that the fundamentals stand out.
PLAIN = GuitarSound(brightness=2.0, strum_s=0.005)


def rng(seed: int = 0) -> Generator:
    return np.random.default_rng(seed)


def spectrum(samples: Waveform) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return frequencies and power, with bins of a sixth of a hertz."""
    size = 1 << 17
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size)) ** 2
    return np.asarray(np.fft.rfftfreq(size, 1 / RATE_HZ)), np.asarray(power)


def chroma(samples: Waveform) -> NDArray[np.float64]:
    """Return the power of the twelve pitch classes in the guitar's range."""
    frequency_hz, power = spectrum(samples)
    heard = (frequency_hz > 70) & (frequency_hz < 1000)
    midi = 69 + 12 * np.log2(frequency_hz[heard] / 440)
    pitch_class = np.round(midi).astype(int) % 12
    return np.asarray(np.bincount(pitch_class, weights=power[heard], minlength=12), np.float64)


def pitch_classes(root: int, quality: str) -> set[int]:
    """Return the notes of a chord by the textbook."""
    by_textbook = {  # as a chord on C is spelled
        "maj": "C E G", "min": "C Eb G", "dim": "C Eb Gb", "7": "C E G Bb", "maj7": "C E G B",
        "m7": "C Eb G Bb", "sus2": "C D G", "sus4": "C F G", "aug": "C E G#",
        "m7b5": "C Eb Gb Bb", "dim7": "C Eb Gb A", "6": "C E G A", "m6": "C Eb G A",
    }  # fmt: skip
    notes = ["C", "C#", "D", "Eb", "E", "F", "Gb", "G", "G#", "A", "Bb", "B"]
    return {(root + notes.index(note)) % 12 for note in by_textbook[quality].split()}


def strongest_hz(samples: Waveform) -> float:
    frequency_hz, power = spectrum(samples)
    return float(frequency_hz[power.argmax()])


def test_every_quality_of_the_vocabulary_can_be_rendered() -> None:
    assert tuple(INTERVALS) == QUALITIES


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_strongest_pitch_classes_are_exactly_those_of_the_chord(quality: str) -> None:
    for root in range(12):
        wanted = pitch_classes(root, quality)

        strength = chroma(render_chord(root, quality, 1.5, RATE_HZ, rng(root), PLAIN))

        assert set(strength.argsort()[-len(wanted) :].tolist()) == wanted, root


@pytest.mark.parametrize("quality", QUALITIES)
def test_a_voicing_can_be_fretted_and_has_all_notes_of_the_chord(quality: str) -> None:
    for root, seed in product(range(12), range(5)):
        notes = voicing(root, quality, rng(seed))

        assert {note % 12 for note in notes} == pitch_classes(root, quality)
        assert notes[0] % 12 == root
        assert len(notes) <= len(STANDARD_TUNING)
        assert min(notes) >= STANDARD_TUNING[0]
        assert max(notes) <= STANDARD_TUNING[-1] + 12


def test_voicings_vary() -> None:
    assert len({tuple(voicing(9, "min", rng(seed))) for seed in range(20)}) > 5


@pytest.mark.parametrize("sound", [None, PLAIN])
def test_the_same_seed_renders_the_same_chord(sound: GuitarSound | None) -> None:
    first = render_chord(0, "maj", 0.5, RATE_HZ, rng(1), sound)

    np.testing.assert_array_equal(render_chord(0, "maj", 0.5, RATE_HZ, rng(1), sound), first)
    assert not np.allclose(render_chord(0, "maj", 0.5, RATE_HZ, rng(2), sound), first)


def test_a_rendering_has_the_length_and_level_asked_for() -> None:
    samples = render_chord(4, "min", 0.75, RATE_HZ, rng(), PLAIN)

    assert samples.dtype == np.float32
    assert len(samples) == int(0.75 * RATE_HZ)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("seed", range(12))
def test_any_random_guitar_sounds_without_overflow(seed: int) -> None:
    samples = render_chord(seed, "dim", 0.4, RATE_HZ, rng(seed))

    assert np.isfinite(samples).all()
    assert 0.4 < np.abs(samples).max() < 1


@pytest.mark.parametrize(("note", "frequency_hz"), [(40, 82.41), (57, 220.0), (69, 440.0)])
def test_a_note_sounds_at_its_frequency(note: int, frequency_hz: float) -> None:
    samples = render_notes([note], 1.5, RATE_HZ, PLAIN, rng())
    assert strongest_hz(samples) == pytest.approx(frequency_hz, rel=2e-3)


def test_detuning_moves_the_frequency_by_so_many_cents() -> None:
    sharp = GuitarSound(brightness=2.0, detune_cents=25)

    plain_hz = strongest_hz(render_notes([69], 2.0, RATE_HZ, PLAIN, rng()))
    sharp_hz = strongest_hz(render_notes([69], 2.0, RATE_HZ, sharp, rng()))

    assert 1200 * np.log2(sharp_hz / plain_hz) == pytest.approx(25, abs=2)


def test_a_plucked_string_dies_away() -> None:
    samples = render_notes([57], 2.0, RATE_HZ, GuitarSound(decay_s=1.0), rng())
    early, late = samples[: RATE_HZ // 2], samples[-RATE_HZ // 2 :]
    assert np.sum(late**2) < 0.01 * np.sum(early**2)


def test_the_drive_compresses() -> None:
    def loudness(drive_db: float) -> float:
        sound = GuitarSound(drive_db=drive_db)
        return float(np.mean(render_notes([45], 1.0, RATE_HZ, sound, rng()) ** 2))

    assert loudness(40.0) > 2 * loudness(0.0)


def test_the_strum_delays_each_string() -> None:
    slow = GuitarSound(brightness=2.0, strum_s=0.3, noise_db=-120)
    samples = render_notes([45, 65], 1.0, RATE_HZ, slow, rng(1))

    def is_heard(frequency_hz: float, part: Waveform) -> bool:
        bins_hz, power = spectrum(part)
        near = np.abs(bins_hz - frequency_hz) < 6
        return bool(power[near].max() > 1e-3 * power.max())

    begin, end = samples[: RATE_HZ // 5], samples[RATE_HZ // 2 :]
    assert [is_heard(hz, begin) for hz in (110.0, 349.2)] == [True, False]
    assert [is_heard(hz, end) for hz in (110.0, 349.2)] == [True, True]


def test_noise_is_as_loud_as_asked_for() -> None:
    noisy = GuitarSound(noise_db=-20, decay_s=0.2)
    tail = render_notes([64], 2.0, RATE_HZ, noisy, rng())[-RATE_HZ // 2 :]
    assert np.std(tail) == pytest.approx(0.05, rel=0.05)


def test_the_room_rings_on() -> None:
    def late_power(room: float) -> float:
        sound = GuitarSound(decay_s=0.1, room=room, noise_db=-120)
        return float(np.sum(render_notes([64], 1.0, RATE_HZ, sound, rng())[RATE_HZ // 4 :] ** 2))

    assert late_power(0.5) > 3 * late_power(0.0)


@pytest.mark.parametrize("root", range(12))
def test_a_bass_plays_the_root_below_the_guitar(root: int) -> None:
    chord = render_chord(root, "maj", 1.5, RATE_HZ, rng(root), PLAIN)
    # The first seed of each that draws a bass without drums.
    seed = next(s for s in range(50) if rng(s).integers(3) == 1)

    frequency_hz, power = spectrum(accompany(chord, root, RATE_HZ, rng(seed)) - chord)

    low = (frequency_hz > 35) & (frequency_hz < 80)
    note = 69 + 12 * np.log2(frequency_hz[low][power[low].argmax()] / 440)
    assert round(note) % 12 == root
    assert round(note) < STANDARD_TUNING[0]


def test_an_accompanied_chord_is_as_long_and_no_louder() -> None:
    chord = render_chord(0, "7", 1.0, RATE_HZ, rng(), PLAIN)
    for seed in range(12):
        mix = accompany(chord, 0, RATE_HZ, rng(seed))
        assert mix.shape == chord.shape
        assert mix.dtype == np.float32
        assert np.abs(mix).max() == pytest.approx(0.5)
        assert not np.allclose(mix, chord, atol=0.05)


@pytest.mark.parametrize("render", [render_no_chord, render_no_music])
def test_what_is_no_music_has_many_kinds_and_each_is_finite(render: Render) -> None:
    rendered = [render(0.5, RATE_HZ, rng(seed)) for seed in range(24)]
    peaks = [float(np.abs(samples).max()) for samples in rendered]

    assert all(np.isfinite(samples).all() for samples in rendered)
    assert {samples.dtype for samples in rendered} == {np.dtype(np.float32)}
    assert {len(samples) for samples in rendered} == {RATE_HZ // 2}
    assert min(peaks) < 1e-3  # near silence
    assert max(peaks) > 0.2  # something loud


@pytest.mark.parametrize("render", [render_no_chord, render_no_music])
def test_what_is_no_music_is_the_same_for_the_same_seed(render: Render) -> None:
    rendered = [render(0.3, RATE_HZ, rng(seed)) for seed in range(12)]
    for seed, samples in enumerate(rendered):
        np.testing.assert_array_equal(render(0.3, RATE_HZ, rng(seed)), samples)
        # Only silence is always the same.
        assert not samples.any() or not any(
            np.array_equal(samples, other) for other in rendered[:seed]
        )


@pytest.mark.parametrize("rate_hz", [11_025, 16_000])
def test_a_hum_is_as_long_and_loud_as_asked_for(rate_hz: int) -> None:
    for seed in range(5):
        samples = noises.hum(rate_hz // 2, rate_hz, rng(seed))

        assert samples.shape == (rate_hz // 2,)
        assert samples.dtype == np.float32
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() == pytest.approx(0.5, abs=1e-6)
        again = noises.hum(rate_hz // 2, rate_hz, rng(seed))
        np.testing.assert_array_equal(again, samples)


@pytest.mark.parametrize("seed", range(5))
def test_a_hum_is_steady(seed: int) -> None:
    samples = noises.hum(4 * RATE_HZ, RATE_HZ, rng(seed)).astype(float)
    effective = np.sqrt((samples.reshape(200, -1) ** 2).mean(axis=1))
    assert effective.min() > 0.5 * effective.max()


@pytest.mark.parametrize("seed", range(5))
def test_a_hum_is_harmonics_of_one_tone(seed: int) -> None:
    frequency_hz, power = spectrum(noises.hum(RATE_HZ, RATE_HZ, rng(seed)))
    lowest_hz = rng(seed).uniform(45, 2000)
    from_harmonic = np.abs(frequency_hz / lowest_hz - np.round(frequency_hz / lowest_hz))
    near = (from_harmonic * lowest_hz < 5) & (frequency_hz > lowest_hz - 5)
    assert power[near].sum() > 0.9 * power.sum()


@pytest.mark.parametrize(
    "render",
    [
        lambda duration_s: render_chord(0, "maj", duration_s, RATE_HZ, rng(3)),
        lambda duration_s: render_no_chord(duration_s, RATE_HZ, rng(1)),
        *(partial(render_no_music, sample_rate_hz=RATE_HZ, rng=rng(seed)) for seed in range(8)),
    ],
)
def test_clips_shorter_than_a_strum_or_a_drum_hit_are_possible(
    render: Callable[[float], Waveform],
) -> None:
    assert len(render(0.05)) == int(0.05 * RATE_HZ)


def test_the_golden_clip_never_changes() -> None:
    """Every bundle on disk was proved with it; another clip would still load but not compare."""
    samples = render_golden_clip(2.5, RATE_HZ)

    assert len(samples) == 55_125
    np.testing.assert_allclose(
        samples[[1_000, 5_000, 20_000, 50_000]],
        [-0.0666883, -0.0944382, 0.0150345, 0.0006355],
        atol=1e-5,
    )
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.0542658, abs=1e-5)
