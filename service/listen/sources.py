"""Where audio comes from: a microphone, or a file at its own pace."""

import importlib
import queue
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from service.audio.formats import FORMATS
from service.audio.readers.opening import openings_of
from service.audio.readers.source import Opening, Samples, Unreadable
from service.audio.readers.source import Source as AudioSource
from service.errors import ServiceError
from service.listen.errors import ListenError

BLOCK_S = 0.05
# A microphone that says nothing for so long, not even silence, is gone.
GONE_S = 5.0
INSTALL = "pip install -c requirements.lock '.[listen]'"


class Source(Protocol):
    """Something that sounds."""

    @property
    def start(self) -> dict[str, object]:
        """What a stream's first message says of the audio."""

    def blocks(self, stop: Event) -> Iterator[bytes]:
        """Yield the audio, block by block, as it sounds; no more once the event is set.

        Raises
        ------
        ListenError
            There is no more of it, and not because it has ended.
        """


class FileSource:
    """A file, in any format that the service reads.

    Parameters
    ----------
    file
        The file; it is read whole before it sounds.
    fast
        Whether to go on as fast as the service hears it.

    Raises
    ------
    ListenError
        It cannot be read.
    """

    def __init__(self, file: Path, *, fast: bool = False) -> None:
        try:
            _, openings = openings_of(file.read_bytes(), FORMATS)
            self._sound, self._blocks = _opened(openings)
        except OSError as error:
            raise ListenError(f"{file} cannot be read: {error.strerror}.") from error
        except ServiceError as error:
            raise ListenError(f"{file} cannot be read: {error.detail}") from error
        except Unreadable as error:
            raise ListenError(f"{file} cannot be read: {error}. Does it play?") from error
        self._fast = fast

    @property
    def start(self) -> dict[str, object]:
        """What a stream's first message says of the audio."""
        rate_hz, channels = self._sound.sample_rate_hz, self._sound.channels
        return {"sample_rate_hz": rate_hz, "channels": channels, "encoding": "pcm_f32le"}

    def blocks(self, stop: Event) -> Iterator[bytes]:
        """Yield the file, block by block."""
        began_s = time.monotonic()
        sent_s = 0.0
        for block in self._short_blocks():
            # A block has sounded at its end, not at its beginning.
            sent_s += len(block) / self._sound.sample_rate_hz
            if not self._fast:
                stop.wait(max(0.0, began_s + sent_s - time.monotonic()))
            if stop.is_set():
                return
            yield block.astype("<f4").tobytes()

    def _short_blocks(self) -> Iterator[Samples]:
        n_frames = round(BLOCK_S * self._sound.sample_rate_hz)
        try:
            for block in self._blocks:
                for begin in range(0, len(block), n_frames):
                    yield block[begin : begin + n_frames]
        except Unreadable as error:
            raise ListenError(f"The file cannot be read to its end: {error}") from error


def _opened(openings: Sequence[Opening]) -> tuple[AudioSource, Iterator[Samples]]:
    """Open a file with the first reader that can begin; return what it reads as well.

    Raises
    ------
    Unreadable
        None can.
    """
    problem = Unreadable("it ends too early")
    for opening in openings:
        try:
            source = opening()
            blocks = source.blocks()
            return source, chain([next(blocks)], blocks)
        except StopIteration:
            continue
        except Unreadable as error:
            problem = error
    raise problem


class MicrophoneSource:
    """A microphone.

    Parameters
    ----------
    device
        Its number or a part of its name; None for the system's own choice.

    Raises
    ------
    ListenError
        There is none of that name, or what is needed to hear it is not installed.
    """

    def __init__(self, device: str | None = None) -> None:
        self._sounddevice = sounddevice()
        self._device = int(device) if device is not None and device.isdecimal() else device
        try:
            found: dict[str, Any] = self._sounddevice.query_devices(self._device, "input")
        except (ValueError, self._sounddevice.PortAudioError) as error:
            raise ListenError(f"No microphone: {error}. --devices lists what there is.") from error
        self._rate_hz = int(found["default_samplerate"])

    @property
    def start(self) -> dict[str, object]:
        """What a stream's first message says of the audio."""
        return {"sample_rate_hz": self._rate_hz, "channels": 1, "encoding": "pcm_s16le"}

    def blocks(self, stop: Event) -> Iterator[bytes]:
        """Yield what the microphone hears, block by block."""
        heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        try:
            with self._sounddevice.RawInputStream(
                self._rate_hz,
                round(BLOCK_S * self._rate_hz),
                self._device,
                channels=1,
                dtype="int16",
                callback=lambda data, *_: heard.put(bytes(data)),
            ):
                while not stop.is_set():
                    yield heard.get(timeout=GONE_S)
        except self._sounddevice.PortAudioError as error:
            raise ListenError(f"The microphone cannot be heard: {error}") from error
        except queue.Empty:
            raise ListenError("The microphone says nothing more; is it still there?") from None


def sounddevice() -> Any:
    """Return the module that knows the sound devices.

    Raises
    ------
    ListenError
        It is not installed, or PortAudio is not.
    """
    try:
        return importlib.import_module("sounddevice")
    except ModuleNotFoundError as error:
        raise ListenError(f"The microphone needs the package sounddevice: {INSTALL}") from error
    except OSError as error:
        raise ListenError(
            "The microphone needs the library PortAudio (Debian: apt install libportaudio2)."
        ) from error
