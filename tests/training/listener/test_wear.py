import numpy as np
import pytest

from training.listener.recordings import RATE_HZ, Samples
from training.listener.wear import CODECS, Codec, Wear, through

DURATION_S = 2


@pytest.fixture(scope="module")
def chord() -> Samples:
    """Return two tones, louder than full scale together; a low bit rate cannot keep the higher."""
    t = np.arange(DURATION_S * RATE_HZ) / RATE_HZ
    chord: Samples = (np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 9_000 * t)).astype("f4")
    return chord


def level_at(samples: Samples, frequency_hz: int) -> float:
    """Return the amplitude of a tone that lasts all the time."""
    return float(2 * np.abs(np.fft.rfft(samples))[frequency_hz * DURATION_S] / len(samples))


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.encoder)
def test_a_codec_keeps_the_tune_and_a_slow_one_loses_the_treble(
    codec: Codec, chord: Samples
) -> None:
    slowest, fastest = (through(codec, chord * np.float32(0.4), k) for k in codec.rates_kbps)

    assert slowest.shape == fastest.shape == chord.shape
    assert slowest.dtype == np.float32
    for heard in (slowest, fastest):
        assert level_at(heard, 440) == pytest.approx(0.4, rel=0.25)
    assert level_at(fastest, 9_000) == pytest.approx(0.4, rel=0.25)
    assert level_at(slowest, 9_000) < 0.9 * level_at(fastest, 9_000)


def test_what_is_louder_than_full_scale_is_as_loud_afterwards(chord: Samples) -> None:
    loud = 5 * chord

    heard = Wear(codecs=1).encoded(loud, np.random.default_rng(3))

    assert level_at(heard, 440) == pytest.approx(5, rel=0.25)


def test_silence_stays_silent() -> None:
    silence = np.zeros(RATE_HZ, np.float32)

    heard = Wear(codecs=1).encoded(silence, np.random.default_rng(0))

    assert np.abs(heard).max() < 1e-3


def test_a_room_goes_on_when_the_sound_has_ended() -> None:
    click = np.zeros(RATE_HZ, np.float32)
    click[100] = 1

    heard = Wear(rooms=1).in_room(click, np.random.default_rng(0))

    assert heard.shape == click.shape
    np.testing.assert_allclose(heard[:100], 0, atol=1e-9)
    early, late = (np.sum(heard[start : start + 800] ** 2) for start in (101, 4_000))
    assert 0 < late < early


def test_a_share_of_the_pieces_goes_through_it() -> None:
    wear, rng = Wear(rooms=0.25), np.random.default_rng(0)
    hiss = rng.standard_normal(1_000).astype(np.float32)

    changed = sum(wear.in_room(hiss, rng) is not hiss for _ in range(400))

    assert 70 < changed < 130


def test_without_wear_nothing_is_changed_or_drawn() -> None:
    rng, untouched = np.random.default_rng(5), np.random.default_rng(5)
    hiss = np.ones(1_000, np.float32)

    assert not Wear()
    assert Wear().in_room(hiss, rng) is hiss
    assert Wear().encoded(hiss, rng) is hiss
    assert rng.random() == untouched.random()
