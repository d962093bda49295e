from pathlib import Path

import numpy as np
import pytest

from tests.audio import noise, tone
from tests.training.made import GUITAR_RATE_HZ, make_clip, strum, write_wav
from training.data.readers import AudioFile, LabelledClip
from training.progressions.clips import (
    CROSSFADE_S,
    DURATION_S,
    join,
    make_progression,
    progressions_of_clips,
    strike,
    trim,
)

RATE_HZ = 8_000
TAKES = {
    "C": [tone(300, 2.5, rate_hz=RATE_HZ)],
    "Am": [tone(500, 0.7, rate_hz=RATE_HZ)],
    "G": [tone(900, 6.0, rate_hz=RATE_HZ)],
}
FREQUENCIES_HZ = {"C": 300, "Am": 500, "G": 900}


def write_guitar(folder: Path, group: str, chords: tuple[str, ...]) -> list[LabelledClip]:
    return [
        LabelledClip(
            AudioFile(
                write_wav(folder / group / f"{chord}.wav", strum(chord, seed=n), GUITAR_RATE_HZ)
            ),
            chord,
            "made",
            group,
        )
        for n, chord in enumerate(chords)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_chord_said_sounds_from_edge_to_edge(seed: int) -> None:
    made = make_progression(
        TAKES, RATE_HZ, np.random.default_rng(seed), data_set="made", group="someone"
    )

    assert made.edges_s[0] == 0
    assert made.edges_s[-1] == pytest.approx(len(made.samples) / RATE_HZ)
    assert made.edges_s[-1] >= DURATION_S
    assert all(a != b for a, b in zip(made.chords[:-1], made.chords[1:], strict=True))
    lengths_s = np.diff(made.edges_s)
    assert lengths_s.min() > 0.85
    assert lengths_s.max() < 4.05
    for chord, start_s, end_s in zip(made.chords, made.edges_s, made.edges_s[1:], strict=False):
        # Without the crossfade, and never silent: each tenth of a second holds the tone.
        part = made.samples[round((start_s + CROSSFADE_S) * RATE_HZ) : round(end_s * RATE_HZ)]
        for piece in np.array_split(part, max(1, len(part) // 800)):
            spectrum = np.abs(np.fft.rfft(piece, 8_000))
            assert abs(int(spectrum.argmax()) - FREQUENCIES_HZ[chord]) < 15
            assert np.abs(piece).max() > 0.1


def test_the_annotation_is_in_hartes_notation() -> None:
    made = make_progression(
        TAKES, RATE_HZ, np.random.default_rng(0), data_set="made", group="someone", duration_s=5
    )
    truth = made.annotation
    assert set(truth.labels) <= {"C:maj", "A:min", "G:maj"}
    assert truth.intervals_s.shape == (len(truth.labels), 2)
    np.testing.assert_array_equal(truth.intervals_s[1:, 0], truth.intervals_s[:-1, 1])


def test_silence_around_a_sound_is_cut_off() -> None:
    quiet = np.zeros(RATE_HZ // 2, np.float32)
    sound = tone(300, 1.0, rate_hz=RATE_HZ)
    trimmed = trim(np.concatenate([quiet, sound, quiet]), RATE_HZ)
    assert len(trimmed) == pytest.approx(len(sound), abs=400)
    assert len(trim(quiet, RATE_HZ)) == 0
    assert len(trim(quiet[:10], RATE_HZ)) == 0


def test_a_short_take_is_struck_again_on_the_beat() -> None:
    take = np.exp(-np.arange(RATE_HZ) / 2_000).astype(np.float32)  # rings for 1 s
    struck = strike(take, 2 * RATE_HZ, beat_s=0.4, sample_rate_hz=RATE_HZ)
    assert len(struck) == 2 * RATE_HZ + round(CROSSFADE_S * RATE_HZ)
    for again_s in (0.8, 1.6):
        beat = round(again_s * RATE_HZ)
        assert struck[beat - 1] < 0.1
        assert struck[beat + 200] > 0.8


def test_parts_fade_into_each_other_without_a_gap() -> None:
    level = np.ones(RATE_HZ, np.float32)
    np.testing.assert_allclose(join([level, level, level], RATE_HZ), 1, atol=1e-6)


def test_each_guitar_with_enough_chords_gets_equally_many(tmp_path: Path) -> None:
    clips = [
        *write_guitar(tmp_path, "ann", ("C", "G", "Am")),
        *write_guitar(tmp_path, "bob", ("C", "G", "Em", "D")),
        *write_guitar(tmp_path, "eve", ("C", "G")),
    ]
    made = progressions_of_clips(clips, GUITAR_RATE_HZ, count=3, seed=1)
    assert [p.group for p in made] == ["ann", "ann", "bob", "bob"]
    assert {p.data_set for p in made} == {"made"}
    again = progressions_of_clips(clips, GUITAR_RATE_HZ, count=3, seed=1)
    np.testing.assert_array_equal(made[2].samples, again[2].samples)


def test_clips_that_are_silent_broken_or_no_audio_are_passed_over(tmp_path: Path) -> None:
    silent = write_wav(tmp_path / "silent.wav", np.zeros(8_000, np.float32), RATE_HZ)
    clips = [
        *write_guitar(tmp_path, "ann", ("C", "G")),
        LabelledClip(AudioFile(silent), "Am", "made", "ann"),
        LabelledClip(AudioFile(tmp_path / "missing.wav"), "Dm", "made", "ann"),
        make_clip("Em", "ann"),
    ]
    assert progressions_of_clips(clips, GUITAR_RATE_HZ, count=3, seed=1) == []


def test_what_is_no_chord_stays_as_soft_as_it_is(tmp_path: Path) -> None:
    hiss = write_wav(
        tmp_path / "n.wav", noise(1.0, rate_hz=GUITAR_RATE_HZ, amplitude=0.003), GUITAR_RATE_HZ
    )
    clips = [
        *write_guitar(tmp_path, "ann", ("C", "G")),
        LabelledClip(AudioFile(hiss), "N", "made", "ann"),
    ]
    made = progressions_of_clips(clips, GUITAR_RATE_HZ, count=1, seed=1)[0]
    at = made.chords.index("N")
    start, end = (round(t * GUITAR_RATE_HZ) for t in made.edges_s[at : at + 2])
    assert np.abs(made.samples[start + 500 : end]).max() < 0.004
