from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import Clip, Limits, decode
from service.audio.excerpt import Excerpt
from service.deadline import Deadline
from service.decoding.grids import decode_grids
from service.decoding.pool import DecoderPool
from service.errors import DeadlineExceeded, TooManySeconds, UnsupportedAudio, UnusableAudio
from service.inference.bundle import Bundle
from service.inference.classification import classify, classify_grids
from service.inference.grids import Grids, grid_key, needed_rates_hz, onset_key
from service.inference.onsets import OnsetSpec
from service.inference.timeline import TimelineSpec
from service.inference.timings import Timings
from tests.audio import encode, noise, stereo
from tests.bundles import write_bundle

SOON_S = 30.0


@pytest.mark.parametrize("rates", [(8_000, None), (8_000, 11_025)])
def test_what_is_heard_block_by_block_is_answered_as_if_it_had_been_decoded_whole(
    decoders: DecoderPool, tmp_path: Path, rates: tuple[int, int | None]
) -> None:
    sample_rate_hz, context_rate_hz = rates
    bundle = Bundle.load(
        write_bundle(
            tmp_path / "it",
            sample_rate_hz=sample_rate_hz,
            embedding_gain=2.0,
            context_rate_hz=context_rate_hz,
        )
    )
    # One channel is silent, so that the gain is known last.
    sound = noise(3.0)
    data = encode(stereo(sound, 0 * sound), subtype="PCM_24")
    timings = Timings()

    clip, grids = decode_grids(decoders, data, [bundle], Limits(), Deadline.within(SOON_S), timings)

    whole = decode(data, needed_rates_hz([bundle]))
    assert (clip.duration_s, clip.warnings) == (whole.duration_s, whole.warnings)
    assert list(timings.seconds()) == ["decode", "features"]
    found = classify_grids(clip, grids, {"it": bundle}, timings, timeline=True)["it"]
    expected = classify(whole, {"it": bundle}, timeline=True)["it"]
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)


def test_time_that_was_spent_on_a_broken_file_is_told(decoders: DecoderPool) -> None:
    timings = Timings()
    with pytest.raises(UnusableAudio):
        decode_grids(decoders, b"", [], Limits(), Deadline.within(SOON_S), timings)
    assert list(timings.seconds()) == ["decode"]


def unused(*_: object) -> Clip:
    raise AssertionError("a decoder was asked")


@pytest.mark.parametrize("excerpt", [None, Excerpt(0.5, 1.0)])
@pytest.mark.parametrize("right", [0.0, -0.9])
def test_plain_samples_are_heard_without_a_decoder_as_with_one(
    decoders: DecoderPool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    excerpt: Excerpt | None,
    right: float,
) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "it"))
    timeline = TimelineSpec(
        change_probability=0.1,
        bands_per_octave=3,
        onsets=OnsetSpec(fft_samples=256, hop_samples=128),
    )
    bundle.card = bundle.card.model_copy(update={"timeline": timeline})
    sound = noise(3.0)
    data = bytearray(encode(stereo(sound, right * sound)))
    listening = Grids([bundle])
    within = Deadline.within(SOON_S)
    expected = decoders.decode(data, listening, Limits(), within, excerpt)
    monkeypatch.setattr(DecoderPool, "decode", unused)

    clip, grids = decode_grids(decoders, data, [bundle], Limits(), within, Timings(), excerpt)

    assert clip == expected
    found = listening.end(expected.gain)
    assert found.keys() == grids.keys() == {grid_key(bundle), onset_key(bundle)}
    for key, grid in found.items():
        np.testing.assert_allclose(grids[key], grid, rtol=1e-4, atol=1e-6)


def test_plain_samples_are_refused_as_others_are(decoders: DecoderPool) -> None:
    within, timings = Deadline.within(SOON_S), Timings()
    data = encode(noise(3.0))
    with pytest.raises(TooManySeconds):
        decode_grids(decoders, data, [], Limits(max_duration_s=2.0), within, timings)
    with pytest.raises(UnsupportedAudio, match="WAV"):
        decode_grids(decoders, data, [], Limits(formats=("mp3",)), within, timings)


def test_plain_samples_are_heard_no_longer_than_the_deadline(
    decoders: DecoderPool, tmp_path: Path
) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "it"))
    with pytest.raises(DeadlineExceeded):
        decode_grids(
            decoders, encode(noise(3.0)), [bundle], Limits(), Deadline.within(0.0), Timings()
        )
