import numpy as np
import pytest

from service.audio.decode import Limits, decode
from service.errors import TooManySeconds, UnsupportedAudio, UnusableAudio
from tests.audio import RATE_HZ, encode, encode_as, tone
from tests.service.audio.heard import flac_stating


def test_audio_below_the_minimum_is_unusable_and_at_the_minimum_is_not() -> None:
    limits = Limits(min_duration_s=0.5)
    with pytest.raises(UnusableAudio, match=r"holds 0\.499 s .* at least 0\.5 s"):
        decode(encode(tone(duration_s=0.499)), limits=limits)
    assert decode(encode(tone(duration_s=0.5)), limits=limits).duration_s == 0.5


def test_a_format_that_the_operator_excludes_is_refused() -> None:
    limits = Limits(formats=("flac",))
    assert decode(encode_as("flac", tone()), limits=limits).format == "flac"
    with pytest.raises(UnsupportedAudio, match=r"is WAV, which this server is set not to read"):
        decode(encode(tone()), limits=limits)


def test_audio_above_the_maximum_is_too_long_and_at_the_maximum_is_not() -> None:
    limits = Limits(max_duration_s=1.5)
    with pytest.raises(TooManySeconds, match=r"longer than 1\.5 s"):
        decode(encode(tone(duration_s=1.501)), limits=limits)
    assert decode(encode(tone(duration_s=1.5)), limits=limits).duration_s == 1.5


@pytest.mark.parametrize("stated_frames", [0, RATE_HZ * 2, RATE_HZ * 10_000])
def test_the_limit_holds_whatever_length_the_header_states(stated_frames: int) -> None:
    with pytest.raises(TooManySeconds):
        decode(flac_stating(stated_frames, tone(duration_s=2.0)), limits=Limits(max_duration_s=1.0))


def test_a_header_that_states_too_much_is_not_believed() -> None:
    clip = decode(flac_stating(RATE_HZ * 10_000, tone(duration_s=2.0)))

    assert clip.duration_s == 2.0
    assert [warning.split(":")[0] for warning in clip.warnings] == ["truncated"]


def test_a_header_that_states_too_little_is_not_believed() -> None:
    clip = decode(flac_stating(1_000, tone(duration_s=2.0)))
    assert (clip.duration_s, clip.warnings) == (2.0, ())


def test_too_many_channels_are_unusable() -> None:
    many = np.repeat(tone(duration_s=0.2)[:, None], Limits.max_channels + 1, axis=1)
    with pytest.raises(UnusableAudio, match=f"{Limits.max_channels + 1} channels"):
        decode(encode(many))


@pytest.mark.parametrize(
    ("max_channels", "mend"), [(1, "Mix it to mono"), (2, "Mix it to stereo or mono")]
)
def test_the_limit_on_channels_is_told_with_the_mend(max_channels: int, mend: str) -> None:
    three = np.repeat(tone(duration_s=0.2)[:, None], 3, axis=1)
    limits = Limits(max_channels=max_channels)
    with pytest.raises(UnusableAudio, match=f"at most {max_channels} are read. {mend}"):
        decode(encode(three), limits=limits)
    decode(encode(three[:, :max_channels]), limits=limits)


@pytest.mark.parametrize("rate_hz", [2_000, 500_000])
def test_a_sampling_rate_out_of_range_is_unusable(rate_hz: int) -> None:
    with pytest.raises(UnusableAudio, match=f"{rate_hz} Hz is outside"):
        decode(encode(tone(rate_hz=rate_hz, duration_s=0.5), rate_hz))


def test_the_mend_of_a_sampling_rate_is_within_the_limit() -> None:
    limits = Limits(max_sample_rate_hz=22_050)
    with pytest.raises(UnusableAudio, match=r"4000 to 22050 Hz. Resample .* to 22050 Hz"):
        decode(encode(tone(), 44_100), limits=limits)
    decode(encode(tone(rate_hz=22_050), 22_050), limits=limits)
