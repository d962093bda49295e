from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import Limits, decode
from service.deadline import Deadline
from service.decoding.grids import decode_grids
from service.decoding.pool import DecoderPool
from service.errors import UnusableAudio
from service.inference.bundle import Bundle
from service.inference.classification import classify, classify_grids
from service.inference.grids import needed_rates_hz
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
    data = encode(stereo(sound, 0 * sound))
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
