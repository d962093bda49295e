"""Make sense of what a decoder's process says, which a file may have taken over."""

import numpy as np

from service.audio.decode import Clip, Samples
from service.decoding import wire
from service.decoding.process import RATE
from service.errors import ServiceError, TooManySeconds, UnsupportedAudio, UnusableAudio

PROBLEMS = {kind.slug(): kind for kind in (TooManySeconds, UnsupportedAudio, UnusableAudio)}


def samples_of(
    header: wire.Header, payload: wire.Payload, left: dict[int, int]
) -> tuple[int, Samples]:
    """Return the rate and the samples of a message, of which there may be so many bytes left.

    Raises
    ------
    BrokenMessage
        It holds none, or more.
    """
    try:
        rate_hz, samples = header[RATE], payload.view(np.float32)
        if samples.nbytes <= left[rate_hz]:
            return rate_hz, samples
    except (LookupError, TypeError, ValueError):
        pass
    raise wire.BrokenMessage("the message holds no samples, or too many")


def outcome_of(header: wire.Header) -> Clip:
    """Return the clip that a message describes, or raise the problem.

    Raises
    ------
    ServiceError
        What the process found wrong with the file.
    BrokenMessage
        The message tells neither.
    """
    try:
        if "problem" in header:
            problem: ServiceError = PROBLEMS[header["problem"]](header["detail"])
        else:
            description = header["clip"]
            return Clip(**{**description, "warnings": tuple(description["warnings"])})
    except (LookupError, TypeError, ValueError) as error:
        raise wire.BrokenMessage("the header tells neither a clip nor a problem") from error
    raise problem
