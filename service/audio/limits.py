"""What one upload may hold, and the refusal of what is beyond."""

from dataclasses import dataclass

from service.audio.excerpt import Excerpt
from service.audio.formats import FORMATS
from service.audio.quality import Levels
from service.errors import UnusableAudio

MIN_SAMPLE_RATE_HZ = 4_000
USUAL_SAMPLE_RATE_HZ = 44_100


@dataclass(frozen=True)
class Limits:
    """The bounds; the defaults are those of the settings."""

    min_duration_s: float = 0.1
    max_duration_s: float = 900.0
    max_channels: int = 32
    max_sample_rate_hz: int = 384_000
    formats: tuple[str, ...] = tuple(FORMATS)


def check_form(rate_hz: int, channels: int, limits: Limits) -> None:
    """Refuse a sampling rate or a number of channels out of bounds."""
    if not MIN_SAMPLE_RATE_HZ <= rate_hz <= limits.max_sample_rate_hz:
        raise UnusableAudio(
            f"The sampling rate of {rate_hz} Hz is outside {MIN_SAMPLE_RATE_HZ} to "
            f"{limits.max_sample_rate_hz} Hz. Resample the file, for example to "
            f"{min(USUAL_SAMPLE_RATE_HZ, limits.max_sample_rate_hz)} Hz."
        )
    if channels > limits.max_channels:
        raise UnusableAudio(
            f"The file has {channels} channels; at most {limits.max_channels} are read. "
            f"Mix it to {'stereo or mono' if limits.max_channels > 1 else 'mono'}."
        )


def check_length(levels: Levels, excerpt: Excerpt, read_s: float, limits: Limits) -> None:
    """Refuse what is too short, of a recording that was read so far, and say why it is.

    Parameters
    ----------
    levels
        What was heard.
    excerpt
        What was to be heard.
    read_s
        How far the recording was read, in seconds from its beginning.
    limits
        How long it must be.
    """
    if levels.duration_s >= limits.min_duration_s:
        return
    least_s = f"at least {limits.min_duration_s:g} s are needed"
    if excerpt.duration_s is not None and excerpt.duration_s < limits.min_duration_s:
        raise UnusableAudio(f"duration_s is {excerpt.duration_s:g}; {least_s}. Let it be more.")
    whole_s = read_s if excerpt.start_s > 0 else levels.duration_s
    if whole_s < limits.min_duration_s:
        raise UnusableAudio(
            f"The file holds {whole_s:.3f} s of audio; {least_s}. Check that it is not cut off or "
            "header-only."
        )
    if levels.n_frames == 0:
        raise UnusableAudio(
            f"The file ends at {read_s:.3f} s, before the excerpt begins at "
            f"{excerpt.start_s:g} s. Let start_s be less."
        )
    raise UnusableAudio(
        f"From start_s on, {excerpt.start_s:g} s, the file holds {levels.duration_s:.3f} s of "
        f"audio; {least_s}. Let start_s be less."
    )
