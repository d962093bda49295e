"""Decode uploads in processes that can be killed; see :mod:`service.decoding.process`.

There is one process for each worker thread, started at boot. Handing a clip over costs little
beside decoding it: the bytes go in and the samples come back through a pair of sockets, block by
block, while the next ones are decoded.
"""

from queue import LifoQueue

from service.audio.decode import Clip, Limits, Listener
from service.audio.excerpt import Excerpt
from service.deadline import Deadline
from service.decoding.decoder import Decoder

START_S = 60.0
STOP_S = 5.0


class DecoderPool:
    """Decoder processes that worker threads take turns with.

    Parameters
    ----------
    size
        Number of processes; as many clips are decoded at the same time.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._decoders: list[Decoder] = []
        # The one that was used last has the warmest memory.
        self._idle: LifoQueue[Decoder] = LifoQueue()

    def start(self) -> None:
        """Start the processes, without waiting until they are ready."""
        self._decoders = [Decoder() for _ in range(self._size)]
        for decoder in self._decoders:
            self._idle.put(decoder)

    def wait_until_ready(self, deadline: Deadline) -> None:
        """Return once every process can decode.

        Raises
        ------
        ServiceError
            One of them does not start.
        DeadlineExceeded
            One of them is not ready in time.
        """
        for decoder in self._decoders:
            decoder.wait_until_ready(deadline)

    @property
    def process_ids(self) -> list[int]:
        """The processes' ids."""
        return [decoder.process_id for decoder in self._decoders]

    def decode(
        self,
        data: bytes | bytearray,
        listener: Listener,
        limits: Limits,
        deadline: Deadline,
        excerpt: Excerpt | None = None,
    ) -> Clip:
        """Have a listener hear an audio file; see :func:`service.audio.decode.hear`.

        Raises
        ------
        UnsupportedAudio
            The bytes are in no format that the service reads.
        UnusableAudio
            The file is empty, broken, too short, or it crashed the decoder.
        TooManySeconds
            What is heard plays longer than ``limits.max_duration_s``.
        DeadlineExceeded
            Decoding did not end in time; the process was killed.
        """
        decoder = self._idle.get()
        try:
            return decoder.decode(data, listener, limits, deadline, excerpt)
        finally:
            self._idle.put(decoder)

    def close(self) -> None:
        """Stop all processes."""
        for decoder in self._decoders:
            decoder.disconnect()
        stop = Deadline.within(STOP_S)
        for decoder in self._decoders:
            decoder.wait_until_ended(stop)
