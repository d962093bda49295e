"""The way of an upload: received, queued, decoded and classified, all within one deadline."""

import asyncio
from collections.abc import Mapping

from starlette.requests import Request

from service.audio import Clip, Limits
from service.bundle import Bundle
from service.classification import Classification, classify
from service.deadline import Deadline
from service.decoders import DecoderPool
from service.settings import Settings
from service.upload import receive_audio
from service.workers import WorkerPool

DECODERS_START_S = 60.0


class Intake:
    """Takes uploads and answers with what the bundles say about them.

    Parameters
    ----------
    settings
        The limits that every upload is held to.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = Limits(settings.min_duration_s, settings.max_duration_s)
        self._workers = WorkerPool(settings.workers, settings.queue_size)
        self.decoders = DecoderPool(settings.workers)

    @property
    def pending(self) -> int:
        """Clips that wait for a worker or are being classified."""
        return self._workers.pending

    async def open(self) -> None:
        """Start the decoders.

        Raises
        ------
        ServiceError
            They do not start, so that no upload could ever be answered.
        """
        self.decoders.start()
        await asyncio.to_thread(self.decoders.wait_until_ready, Deadline.within(DECODERS_START_S))

    def close(self) -> None:
        """Finish what is being classified, drop what waits, and stop the decoders."""
        self._workers.close()
        self.decoders.close()

    async def classify(
        self, request: Request, bundles: Mapping[str, Bundle]
    ) -> tuple[Clip, dict[str, Classification]]:
        """Receive a request's upload and classify it with each bundle; the keys are kept.

        Raises
        ------
        ServiceError
            One of its kinds tells what is wrong with the request, or that it is too much now.
        """
        deadline = Deadline.within(self._settings.deadline_s)
        try:
            async with asyncio.timeout(deadline.remaining_s):
                data = await receive_audio(request, self._settings.max_upload_bytes)
        except TimeoutError:
            raise deadline.exceeded() from None

        def job() -> tuple[Clip, dict[str, Classification]]:
            clip = self.decoders.decode(data, self._limits, deadline)
            return clip, classify(clip, bundles)

        return await self._workers.run(job, deadline)
