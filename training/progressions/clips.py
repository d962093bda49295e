"""Make chord progressions of one guitar from clips of single chords.

The clips keep their real sound; only how they follow each other is made up. A tempo is
drawn, each chord lasts one, two or four of its beats, and a clip that rings for less is
struck again, on a beat where it reaches one. So nothing is stretched, and no chord
lasts where nothing sounds.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.random import Generator

from service.audio.decode import Samples
from training.data.labels import NO_CHORD
from training.data.readers import AudioFile, LabelledClip
from training.errors import UnreadableClip
from training.progressions.progression import Progression

MIN_CHORDS = 3  # of one guitar, for a progression worth the name
TAKES = 4  # of each chord
DURATION_S = 24.0
BEAT_S = (0.5, 1.0)
BEATS = (1, 2, 4)
CHORD_S = (0.9, 4.0)
CROSSFADE_S = 0.02
LEVEL_RMS = 0.1
LEVEL_SPREAD_DB = 3.0
MAX_GAIN = 30.0
FRAME_S = 0.02
# Where a sound begins and ends, below its loudest frame.
ONSET_DB, END_DB = -25.0, -40.0
MIN_SOUND_S = 0.3

Takes = Mapping[str, Sequence[Samples]]


def progressions_of_clips(
    clips: Sequence[LabelledClip], sample_rate_hz: int, *, count: int, seed: int
) -> list[Progression]:
    """Make progressions of all guitars of one data set.

    Parameters
    ----------
    clips
        Clips of one data set.
    sample_rate_hz
        Sampling rate of the progressions.
    count
        How many at least; every guitar with enough chords gets equally many.
    seed
        Of everything drawn.
    """
    by_group: dict[str, list[LabelledClip]] = defaultdict(list)
    for clip in clips:
        by_group[clip.group].append(clip)
    rng = np.random.default_rng(seed)
    guitars = {}
    for group in sorted(by_group):
        takes = read_takes(by_group[group], sample_rate_hz, rng)
        if len(takes) >= MIN_CHORDS:
            guitars[group] = takes
    each = -(-count // max(1, len(guitars)))
    return [
        make_progression(takes, sample_rate_hz, rng, data_set=clips[0].data_set, group=group)
        for group, takes in guitars.items()
        for _ in range(each)
    ]


def read_takes(
    clips: Sequence[LabelledClip], sample_rate_hz: int, rng: Generator
) -> dict[str, list[Samples]]:
    """Return up to ``TAKES`` sounds of each chord, without the silence around them."""
    takes: dict[str, list[Samples]] = defaultdict(list)
    for i in rng.permutation(len(clips)):
        clip = clips[i]
        if len(takes[clip.label]) == TAKES or not isinstance(clip.source, AudioFile):
            continue
        try:
            sound = trim(clip.source.samples(sample_rate_hz), sample_rate_hz)
        except UnreadableClip:
            continue
        if len(sound) >= MIN_SOUND_S * sample_rate_hz:
            takes[clip.label].append(_level(sound, clip.label, rng))
    return {label: sounds for label, sounds in sorted(takes.items()) if sounds}


def make_progression(
    takes: Takes,
    sample_rate_hz: int,
    rng: Generator,
    *,
    data_set: str,
    group: str,
    duration_s: float = DURATION_S,
) -> Progression:
    """Draw chords and a tempo, and put takes of the chords one after the other.

    Parameters
    ----------
    takes
        Sounds of each chord, shape [n_samples] each.
    sample_rate_hz
        Their sampling rate.
    rng
        Source of randomness.
    data_set, group
        Where the takes come from.
    duration_s
        Chords are added until they last so long.
    """
    beat_s = rng.uniform(*BEAT_S)
    lengths_s = [n * beat_s for n in BEATS if CHORD_S[0] <= n * beat_s <= CHORD_S[1]]
    chords: list[str] = []
    edges = [0]
    parts = []
    while edges[-1] < duration_s * sample_rate_hz:
        chord = str(rng.choice([label for label in takes if label not in chords[-1:]]))
        sounds = takes[chord]
        n_samples = round(float(rng.choice(lengths_s)) * sample_rate_hz)
        take = sounds[int(rng.integers(len(sounds)))]
        parts.append(strike(take, n_samples, beat_s, sample_rate_hz))
        chords.append(chord)
        edges.append(edges[-1] + n_samples)
    return Progression(
        data_set=data_set,
        group=group,
        samples=join(parts, sample_rate_hz),
        sample_rate_hz=sample_rate_hz,
        edges_s=np.array(edges) / sample_rate_hz,
        chords=chords,
    )


def trim(samples: Samples, sample_rate_hz: int) -> Samples:
    """Return the part of a waveform that sounds, shape [n_samples]; nothing of silence."""
    frame = max(1, int(FRAME_S * sample_rate_hz))
    n_frames = len(samples) // frame
    if n_frames == 0:
        return samples[:0]
    power = (samples[: n_frames * frame].reshape(n_frames, frame) ** 2).mean(axis=1)
    if power.max() == 0:
        return samples[:0]
    level_db = 10 * np.log10(np.maximum(power / power.max(), 1e-12))
    first = int(np.argmax(level_db > ONSET_DB))
    last = n_frames - int(np.argmax(level_db[::-1] > END_DB))
    return samples[first * frame : last * frame]


def strike(take: Samples, n_samples: int, beat_s: float, sample_rate_hz: int) -> Samples:
    """Let a take sound for so many samples, struck again where it would have ended.

    The result is longer by one crossfade, which the next chord covers.
    """
    fade = round(CROSSFADE_S * sample_rate_hz)
    beat = round(beat_s * sample_rate_hz)
    reach = len(take) - fade
    if reach >= beat:
        reach -= reach % beat
    strikes = [take[: reach + fade]] * -(-(n_samples + fade) // reach)
    return join(strikes, sample_rate_hz)[: n_samples + fade]


def join(parts: Sequence[Samples], sample_rate_hz: int) -> Samples:
    """Join waveforms so that each fades out, for ``CROSSFADE_S``, under the next."""
    fade = round(CROSSFADE_S * sample_rate_hz)
    rise = np.linspace(0, 1, fade, dtype=np.float32)
    joined = np.zeros(sum(len(part) - fade for part in parts) + fade, np.float32)
    start = 0
    for number, part in enumerate(parts):
        faded = part.copy()
        if number > 0:
            faded[:fade] *= rise
        faded[-fade:] *= rise[::-1]
        joined[start : start + len(part)] += faded
        start += len(part) - fade
    return joined[:start]


def _level(sound: Samples, label: str, rng: Generator) -> Samples:
    """Bring a take to a usual level, give or take; what is no chord stays as soft as it is."""
    if label == NO_CHORD:
        return sound
    wanted = LEVEL_RMS * 10 ** (rng.uniform(-LEVEL_SPREAD_DB, LEVEL_SPREAD_DB) / 20)
    rms = float(np.sqrt((sound**2).mean()))
    return (min(wanted / rms, MAX_GAIN) * sound).astype(np.float32)
