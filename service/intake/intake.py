"""The way of an upload: admitted, received, queued, decoded, classified; within one deadline."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from service.audio.decode import Clip, Limits
from service.audio.excerpt import Excerpt
from service.deadline import Deadline
from service.decoding.grids import decode_grids
from service.decoding.pool import START_S, DecoderPool
from service.errors import ClientLeft, UploadTooSlow
from service.inference.bundle import Bundle
from service.inference.classification import Classification, classify_grids
from service.inference.timings import Timings
from service.intake.admission import Admission, Place
from service.intake.clients import client_network
from service.intake.form import Fields
from service.intake.upload import Upload, receive_upload, shown_size
from service.intake.workers import WorkerPool
from service.settings import Settings
from service.telemetry import metrics
from service.telemetry.record import record

T = TypeVar("T")


@dataclass(frozen=True)
class Received:
    """An upload that is complete, and the place and the time that its request has.

    Attributes
    ----------
    request
        Who sent it.
    upload
        What was sent.
    place, deadline
        What it holds until it is answered, and until when it must be.
    """

    request: Request
    upload: Upload
    place: Place
    deadline: Deadline

    @property
    def fields(self) -> Fields:
        """The fields of the form around the file."""
        return self.upload.fields


class Intake:
    """Takes uploads and answers with what the bundles say about them.

    Parameters
    ----------
    settings
        The limits that every upload is held to.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = Limits(
            settings.min_duration_s,
            settings.max_duration_s,
            settings.max_channels,
            settings.max_sample_rate_hz,
            settings.formats,
        )
        self._admission = Admission(
            settings.workers + settings.queue_size,
            settings.min_upload_bytes_per_s,
            settings.max_uploads_per_client,
        )
        self._workers = WorkerPool(settings.workers)
        self.decoders = DecoderPool(settings.workers)

    @property
    def pending(self) -> int:
        """Uploads that are received, wait for a worker or are being classified."""
        return self._admission.pending

    @property
    def queued(self) -> int:
        """Uploads that are complete and wait for a worker."""
        return self._workers.waiting

    async def open(self) -> None:
        """Start the decoders.

        Raises
        ------
        ServiceError
            They do not start, so that no upload could ever be answered.
        """
        self.decoders.start()
        # Starlette's way to a thread loads much of its own, for which the first request would wait.
        await run_in_threadpool(self.decoders.wait_until_ready, Deadline.within(START_S))

    def close(self) -> None:
        """Finish what is being classified, drop what waits, and stop the decoders."""
        self._workers.close()
        self.decoders.close()

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[Received]:
        """Receive a request's upload, which holds its place as long as the context.

        Raises
        ------
        ServiceError
            One of its kinds tells what is wrong with the request, or that it is too much now.
        """
        deadline = Deadline.within(self._settings.deadline_s)
        noted = record(request.scope)
        place = self._admission.enter(client_network(request.scope))
        try:
            with noted.timings.stage("upload"):
                upload = await self._receive(request, place, deadline)
            noted.upload_bytes = len(upload.data)
            yield Received(request, upload, place, deadline)
        finally:
            place.abandon()

    async def classify(
        self,
        received: Received,
        bundles: Mapping[str, Bundle],
        *,
        timeline: bool,
        excerpt: Excerpt | None = None,
    ) -> tuple[Clip, dict[str, Classification]]:
        """Classify what was received with each bundle; the keys are kept.

        Parameters
        ----------
        received
            What :meth:`receive` gave.
        bundles
            Who answers.
        timeline
            Whether the answers also tell what sounds when.
        excerpt
            The part of the recording that is heard; by default all of it.

        Raises
        ------
        ServiceError
            One of its kinds tells what is wrong with the file, or that it takes too long.
        """
        noted = record(received.request.scope)
        work = _Work(
            received, bundles, self._limits, self.decoders, noted.timings, timeline, excerpt
        )
        try:
            clip, answers = await _unless_client_leaves(
                received.request, self._workers.run(work, received.place, received.deadline)
            )
        finally:
            work.wanted = False
        noted.audio_s = clip.duration_s
        metrics.count_answers(clip, answers)
        return clip, answers

    async def _receive(self, request: Request, place: Place, deadline: Deadline) -> Upload:
        try:
            async with asyncio.timeout(deadline.remaining_s) as timeout:
                place.begin_upload(timeout)
                return await receive_upload(
                    request, self._settings.max_upload_bytes, place.note_received
                )
        except TimeoutError:
            if place.displaced:
                raise UploadTooSlow(
                    "The upload was slower than "
                    f"{shown_size(self._settings.min_upload_bytes_per_s)} a second while others "
                    "had to wait. Send it again over a faster connection, or a smaller file."
                ) from None
            # Not that the answer is late, which would be counted as the service's own failure.
            raise UploadTooSlow(
                f"The upload was not complete within {deadline.seconds:g} s. Send it again over a "
                "faster connection, or a smaller file."
            ) from None
        finally:
            place.end_upload()


@dataclass
class _Work:
    """What a worker does for one upload; given up between its stages when nobody waits for it."""

    received: Received
    bundles: Mapping[str, Bundle]
    limits: Limits
    decoders: DecoderPool
    timings: Timings
    timeline: bool
    excerpt: Excerpt | None
    queued_at_s: float = field(default_factory=time.perf_counter)
    wanted: bool = True

    def __call__(self) -> tuple[Clip, dict[str, Classification]]:
        self.timings.add("queue", time.perf_counter() - self.queued_at_s)
        data, deadline = self.received.upload.data, self.received.deadline
        clip, grids = decode_grids(
            self.decoders,
            data,
            self.bundles.values(),
            self.limits,
            deadline,
            self.timings,
            self.excerpt,
        )
        # Nobody else needs it, and the networks take as long as the decoder did.
        data.clear()
        if not self.wanted:
            raise ClientLeft("Nobody waits for the answer any more.")
        return clip, classify_grids(clip, grids, self.bundles, self.timings, timeline=self.timeline)


async def _unless_client_leaves(request: Request, work: Coroutine[Any, Any, T]) -> T:
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientLeft("The client closed the connection before the answer.")
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
