"""The clips that were told wrong with the most confidence, to look at and to listen to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.data.readers.clips import FILE_GROUP
from training.results.recordings import Lens, mp3, spectrogram

MOST_MISTAKES = 50
SHOWN_PROBABILITIES = 3


@dataclass(frozen=True)
class ClipAnswer:
    """What was said of a clip whose label is known.

    Attributes
    ----------
    name, data_set, group
        Which clip.
    truth
        Its label.
    probabilities
        By label.
    recording
        Its file, where that is at hand.
    """

    name: str
    data_set: str
    group: str
    truth: str
    probabilities: Mapping[str, float]
    recording: Path | None = None

    @property
    def answer(self) -> str:
        """The likeliest label."""
        return max(self.probabilities, key=lambda label: self.probabilities[label])

    @property
    def confidence(self) -> float:
        """Its probability."""
        return max(self.probabilities.values())

    @property
    def origin(self) -> str:
        """Its data set, and its group if the data name one."""
        named = not self.group.startswith(FILE_GROUP)
        return f"{self.data_set}, {self.group}" if named else self.data_set

    def likeliest(self) -> str:
        """Return the likeliest labels with their probabilities, most first."""
        ordered = sorted(self.probabilities.items(), key=lambda one: -one[1])
        return ", ".join(f"{label} {p:.2f}" for label, p in ordered[:SHOWN_PROBABILITIES])


@dataclass(frozen=True)
class Mistake:
    """A clip that was told wrong.

    Attributes
    ----------
    clip
        What was said of it.
    picture, sound
        Its spectrogram as PNG and its beginning as MP3, both in Base64; None where the recording
        is not at hand.
    """

    clip: ClipAnswer
    picture: str | None = None
    sound: str | None = None


def mistakes(clips: Iterable[ClipAnswer], lens: Lens | None) -> list[Mistake]:
    """Return the most confident mistakes, the surest first.

    Parameters
    ----------
    clips
        What was said of all clips.
    lens
        What the spectrograms show; None to leave the recordings alone, also where they are at
        hand.
    """
    wrong = sorted((c for c in clips if c.answer != c.truth), key=lambda c: -c.confidence)
    return [_shown(clip, lens) for clip in wrong[:MOST_MISTAKES]]


def _shown(clip: ClipAnswer, lens: Lens | None) -> Mistake:
    if lens is None or clip.recording is None:
        return Mistake(clip)
    return Mistake(clip, spectrogram(clip.recording, lens), mp3(clip.recording))
