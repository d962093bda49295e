"""The life of one stream: its first message, its audio, its answers, its end."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from service.inference.bundle import Bundle
from service.streaming.answers import answer_json
from service.streaming.bounds import Bounds, Pace
from service.streaming.inbox import Inbox
from service.streaming.protocol import (
    Close,
    Ending,
    StreamRefused,
    StreamStart,
    cut_reason,
    read_end,
    read_start,
)
from service.streaming.session import Heard, Session
from service.streaming.workers import StreamWorkers
from service.telemetry import metrics
from service.telemetry.streams import StreamRecord

logger = logging.getLogger(__name__)

# What is heard at a time while there is nobody else to hear; a change is told no finer than this.
STEP_S = 0.05
# What waits of a stream before its client has to, and so what is heard at a time at most.
MAX_WAITING_S = 2.0

LEFT = Ending("left")
STOPPING = Ending("stopping", Close.RESTARTS, "The service stops; connect again.", says_final=True)
ENDED = Ending("ended", Close.NORMAL, says_final=True)
CRASHED = Ending("crashed", Close.CRASHED, "The server failed; the log tells why.")


class Stream:
    """Talks with one client.

    Parameters
    ----------
    websocket
        The connection, accepted.
    bundles
        Who answers, by task.
    single
        The only task that was asked for; None for all.
    bounds
        What the stream may take.
    workers
        Who hears it.
    noted
        What becomes of it, for the log and the figures.
    """

    def __init__(
        self,
        websocket: WebSocket,
        bundles: Mapping[str, Bundle],
        single: str | None,
        bounds: Bounds,
        workers: StreamWorkers,
        noted: StreamRecord,
    ) -> None:
        self._websocket = websocket
        self._bundles = bundles
        self._single = single
        self._bounds = bounds
        self._workers = workers
        self._noted = noted
        self._until_s = time.monotonic() + bounds.max_s

    async def talk(self) -> Ending:
        """Hear the client until the end, say the last answer, and close."""
        try:
            ending = await self._hear_all()
        except StreamRefused as refusal:
            ending = refusal.ending
        except WebSocketDisconnect:
            ending = LEFT
        except Exception:  # whatever it is, the client must be told
            logger.exception("a stream crashed")
            ending = CRASHED
        if ending.code is not None:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it has left meanwhile
                await self._websocket.close(ending.code, cut_reason(ending.reason))
        return ending

    async def _hear_all(self) -> Ending:
        first = await self._next_message()
        if isinstance(first, Ending):
            return first
        if isinstance(first, bytes):
            raise StreamRefused("The first message declares the audio, in JSON.", Close.WRONG_KIND)
        start = read_start(first, self._bounds.max_sample_rate_hz, self._bounds.max_channels)
        if start.bytes_per_s > self._bounds.max_bytes_per_s:
            raise StreamRefused(
                f"The audio has {start.bytes_per_s} bytes/s; at most "
                f"{self._bounds.max_bytes_per_s} are read. Send fewer channels or a lower rate."
            )
        inbox = Inbox(round(MAX_WAITING_S * start.bytes_per_s))
        receiving = asyncio.create_task(self._receive(start, inbox))
        try:
            return await self._answer_all(Session(start, self._bundles), start, inbox)
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _receive(self, start: StreamStart, inbox: Inbox) -> None:
        try:
            ending = await self._receive_audio(start, inbox)
        except StreamRefused as refusal:
            ending = refusal.ending
        except Exception:  # whatever it is, whoever answers must not wait for ever
            logger.exception("a stream could not be received")
            ending = CRASHED
        await inbox.end(ending)

    async def _receive_audio(self, start: StreamStart, inbox: Inbox) -> Ending:
        pace = Pace(self._bounds.max_bytes_per_s)
        room_bytes = round(self._bounds.max_s * start.bytes_per_s)
        while True:
            message = await self._next_message()
            if isinstance(message, Ending):
                return message
            if isinstance(message, str):
                read_end(message)
                return ENDED
            self._noted.received_bytes += len(message)
            await inbox.put(message[:room_bytes])
            room_bytes -= len(message)
            if room_bytes < 0:
                return self._too_long()
            await pace.hold(len(message))

    async def _answer_all(self, session: Session, start: StreamStart, inbox: Inbox) -> Ending:
        step_bytes = round(STEP_S * start.bytes_per_s)
        while True:
            await inbox.wait(min(step_bytes, session.due_bytes))
            if inbox.ending is not None and not inbox.ending.says_final:
                return inbox.ending
            most_bytes = session.due_bytes
            if self._workers.busy:  # all that has come for one answer, as there are many to hear
                most_bytes = max(most_bytes, inbox.waiting_bytes)
            data = await inbox.take(most_bytes)
            if not data and inbox.ending is not None:
                await self._say(await self._workers.run(session.finish), final=True)
                return inbox.ending
            heard = await self._workers.run(partial(session.hear, data))
            self._noted.heard_s = session.heard_s
            if heard is not None:
                await self._say(heard)
                metrics.STREAM_WAITING.observe(inbox.waiting_bytes / start.bytes_per_s)

    async def _next_message(self) -> str | bytes | Ending:
        wait_s = min(self._bounds.message_s, self._until_s - time.monotonic())
        try:
            async with asyncio.timeout(max(0.0, wait_s)):
                message = await self._websocket.receive()
        except TimeoutError:
            return self._too_slow() if wait_s == self._bounds.message_s else self._too_long()
        if message["type"] == "websocket.disconnect":
            return STOPPING if message.get("code") == Close.RESTARTS else LEFT
        text: str | None = message.get("text")
        return text if text is not None else bytes(message["bytes"])

    def _too_slow(self) -> Ending:
        reason = f"No message for {self._bounds.message_s:g} s; send silence as zeros."
        return Ending("too-slow", Close.POLICY, reason, says_final=True)

    def _too_long(self) -> Ending:
        reason = f"A stream lasts {self._bounds.max_s:g} s at most; connect again."
        return Ending("too-long", Close.POLICY, reason, says_final=True)

    async def _say(self, heard: Heard, *, final: bool = False) -> None:
        await self._websocket.send_text(answer_json(heard, self._single, final=final))
        self._noted.answers += 1
