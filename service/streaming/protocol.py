"""What is said over a stream: the client's messages, the server's, and why it closes.

The client first declares its audio in JSON, then sends binary messages of interleaved samples,
cut wherever it likes. The server answers in JSON. ``{"end": true}`` asks for the last answer.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.audio.limits import MIN_SAMPLE_RATE_HZ
from service.schemas import ChordShare, KeyInfo, Probability
from service.telemetry.metrics import EndingKind
from service.wording import in_words

Encoding = Literal["pcm_s16le", "pcm_f32le"]
SAMPLE_BYTES: dict[Encoding, int] = {"pcm_s16le": 2, "pcm_f32le": 4}
ANSWER_S = 0.5
"""Audio from one answer to the next; one comes sooner when what sounds changes."""
MAX_MESSAGE_BYTES = 2 << 20
MAX_REASON_BYTES = 123  # RFC 6455, 5.5
LONGEST_NAME = 40  # of what a client made up, so that there is room for what is wrong with it


class StreamStart(BaseModel):
    """The client's first message: what audio will come."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample_rate_hz: int = Field(gt=0, description="Sampling rate of the audio")
    channels: int = Field(gt=0, description="Channels, whose samples are interleaved")
    encoding: Encoding = Field(
        description="Samples as little-endian integers of 16 bits, or as floats of 32 bits whose "
        "full scale is 1"
    )

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of each channel."""
        return self.channels * SAMPLE_BYTES[self.encoding]

    @property
    def bytes_per_s(self) -> int:
        """Bytes of a second of audio."""
        return self.frame_bytes * self.sample_rate_hz


class StreamEnd(BaseModel):
    """The client's last message: there is no more audio, and the last answer is wanted."""

    model_config = ConfigDict(extra="forbid")

    end: Literal[True]


class Said(BaseModel):
    """What one task's model says of a stretch of audio."""

    label: str = Field(description="The most probable label")
    confidence: Probability = Field(description="Its calibrated probability")
    probabilities: dict[str, Probability] = Field(
        description="Every label and its probability, descending; their sum is 1"
    )
    uncertain: bool = Field(
        description="Too little to act on: a low confidence, silence, or no music"
    )
    heard_instead: str | None = Field(
        default=None, description="As for an upload; only where it is no music"
    )
    ratings: dict[str, Probability] | None = Field(
        default=None, description="As for an upload; only of models that have ratings"
    )
    chords: list[ChordShare] | None = Field(
        default=None,
        description="As for an upload, of the last quarter of an hour; only of chords, so far",
    )
    key: KeyInfo | None = Field(
        default=None,
        description="As for an upload, of the last quarter of an hour; only of chords, so far",
    )
    tuning_cents: float | None = Field(
        default=None,
        ge=-50,
        le=50,
        description="As for an upload, of the last minute; only of chords, so far",
    )


class _Answer(BaseModel):
    heard_s: float = Field(ge=0, description="Seconds of audio that were heard until now")
    level_db: float = Field(
        le=0,
        description="Mean level since the last answer, in dB of full scale, or that of then where "
        "nothing has come since; -100 for silence",
    )
    final: Literal[True] | None = Field(default=None, description="Only in the last answer")


class TaskStreamAnswer(_Answer):
    """The server's message on a stream of one task."""

    now: Said = Field(description="What sounds now: the last seconds")
    so_far: Said = Field(description="The answer for all that was heard")


class StreamAnswer(_Answer):
    """The server's message on a stream of all tasks."""

    now: dict[str, Said] = Field(description="By task, what sounds now: the last seconds")
    so_far: dict[str, Said] = Field(description="By task, the answer for all that was heard")


class Close(IntEnum):
    """The codes that the server closes a stream with (RFC 6455, 7.4.1, and IANA's registry)."""

    NORMAL = 1000
    WRONG_KIND = 1003
    POLICY = 1008
    CRASHED = 1011
    RESTARTS = 1012


@dataclass(frozen=True)
class Ending:
    """Why a stream ends.

    Attributes
    ----------
    kind
        One word, for the log and the figures.
    code
        What it is closed with; None where the client has already left.
    reason
        In words for people, at most ``MAX_REASON_BYTES`` long.
    says_final
        Whether the client gets a last answer before.
    """

    kind: EndingKind
    code: Close | None = None
    reason: str = ""
    says_final: bool = False


class StreamRefused(Exception):
    """The client's messages do not fit the protocol, or the audio not the bounds."""

    def __init__(self, reason: str, code: Close = Close.POLICY) -> None:
        super().__init__(reason)
        self.ending = Ending("refused", code, reason)


def read_start(text: str, max_sample_rate_hz: int, max_channels: int) -> StreamStart:
    """Read the client's first message.

    Raises
    ------
    StreamRefused
        It does not declare audio, or audio that is out of bounds.
    """
    try:
        start = StreamStart.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"]) or "first message"
        raise StreamRefused(f"{place[:LONGEST_NAME]}: {in_words(fault)}.") from None
    if not MIN_SAMPLE_RATE_HZ <= start.sample_rate_hz <= max_sample_rate_hz:
        raise StreamRefused(
            f"sample_rate_hz: must be {MIN_SAMPLE_RATE_HZ} to {max_sample_rate_hz}."
        )
    if start.channels > max_channels:
        raise StreamRefused(f"channels: at most {max_channels} are heard.")
    return start


def read_end(text: str) -> None:
    """Read a text message that comes after the first.

    Raises
    ------
    StreamRefused
        It is not the end.
    """
    try:
        StreamEnd.model_validate_json(text)
    except ValidationError:
        raise StreamRefused(
            'Send audio in binary messages; the only text after the first is {"end": true}.',
            Close.WRONG_KIND,
        ) from None


def cut_reason(reason: str) -> str:
    """Return as much of a reason as a close frame holds."""
    return reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
