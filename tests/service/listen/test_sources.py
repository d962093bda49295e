import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Timer
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from service.audio.readers.source import Unreadable
from service.listen.errors import ListenError
from service.listen.sources import BLOCK_S, FileSource, MicrophoneSource, sounddevice
from tests.audio import MUXINGS, RATE_HZ, encode, mux, noise, stereo, tone, varying_mp3


@pytest.fixture
def song(tmp_path: Path) -> Path:
    samples = noise(0.32, rate_hz=8_000)
    file = tmp_path / "song.wav"
    file.write_bytes(encode(stereo(samples, -samples), 8_000, subtype="FLOAT"))
    return file


def test_a_file_is_sent_as_it_is(song: Path) -> None:
    source = FileSource(song, fast=True)
    assert source.start == {"sample_rate_hz": 8_000, "channels": 2, "encoding": "pcm_f32le"}
    blocks = list(source.blocks(Event()))
    sent = np.frombuffer(b"".join(blocks), np.float32).reshape(-1, 2)
    np.testing.assert_allclose(sent[:, 0], noise(0.32, rate_hz=8_000), atol=1e-6)
    assert {len(block) for block in blocks[:-1]} == {round(BLOCK_S * 8_000) * 8}


@pytest.mark.parametrize("info", [True, False])
def test_an_mp3_of_varying_bit_rate_is_sent_to_its_end(info: bool, tmp_path: Path) -> None:
    """Without the frame that tells its length, libsndfile alone guesses it by the first frames."""
    sound = np.concatenate([noise(2.0), tone(440, 6.0)])
    assert sent_of(tmp_path / "song.mp3", varying_mp3(sound, info=info)) == pytest.approx(8, 0.02)


@pytest.mark.parametrize(
    ("data", "duration_s"),
    [(2 * encode(tone(), container="MP3"), 4.0), (mux(tone(), MUXINGS["m4a"][1]), 2.0)],
    ids=["joined", "M4A"],
)
def test_all_that_the_service_reads_is_sent(data: bytes, duration_s: float, tmp_path: Path) -> None:
    assert sent_of(tmp_path / "song", data) == pytest.approx(duration_s, abs=0.1)


def sent_of(file: Path, data: bytes) -> float:
    """Return how many seconds of a mono file are sent."""
    file.write_bytes(data)
    n_bytes = sum(len(block) for block in FileSource(file, fast=True).blocks(Event()))
    return n_bytes / 4 / RATE_HZ


def test_a_file_takes_as_long_as_it_plays(song: Path) -> None:
    began = time.monotonic()
    list(FileSource(song).blocks(Event()))
    assert 0.31 < time.monotonic() - began < 2


def test_a_file_that_breaks_off_is_told(song: Path) -> None:
    source = FileSource(song, fast=True)

    def broken() -> Iterator[Any]:
        raise Unreadable("it breaks off")
        yield

    source._blocks = broken()
    with pytest.raises(ListenError, match="to its end: it breaks off"):
        next(source.blocks(Event()))


def test_a_file_stops_when_it_is_told_to(song: Path) -> None:
    stop = Event()
    blocks = FileSource(song, fast=True).blocks(stop)
    next(blocks)
    stop.set()
    assert list(blocks) == []


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "song.mp3"
    with pytest.raises(ListenError, match=r"song\.mp3 cannot be read: No such file"):
        FileSource(file)
    for data in (b"no audio", b""):
        file.write_bytes(data)
        with pytest.raises(ListenError, match=r"song\.mp3 cannot be read"):
            FileSource(file)


class FakeDevice:
    """Stands in for the module sounddevice: a microphone that hears ones."""

    PortAudioError = type("PortAudioError", (Exception,), {})

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def query_devices(self, device: Any, kind: str) -> dict[str, Any]:
        self.asked.append((device, kind))
        if device == "none":
            raise ValueError("No input device matching 'none'")
        return {"default_samplerate": 48_000.0}

    def RawInputStream(  # noqa: N802  # as in sounddevice
        self, rate_hz: int, n_frames: int, device: Any, *, callback: Callable[..., None], **how: Any
    ) -> Any:
        self.asked.append((rate_hz, device, how))
        return _FakeStream(callback, n_frames)


class _FakeStream:
    def __init__(self, callback: Callable[..., None], n_frames: int) -> None:
        self._timer = Timer(0.01, lambda: callback(memoryview(b"\1\0" * n_frames), n_frames))

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FakeDevice:
    fake = FakeDevice()
    monkeypatch.setattr("service.listen.sources.sounddevice", lambda: fake)
    return fake


def test_a_microphone_is_heard_at_its_own_rate(device: FakeDevice) -> None:
    source = MicrophoneSource("7")
    assert source.start == {"sample_rate_hz": 48_000, "channels": 1, "encoding": "pcm_s16le"}
    block = next(iter(source.blocks(Event())))
    assert block == b"\1\0" * 2_400
    assert device.asked == [(7, "input"), (48_000, 7, {"channels": 1, "dtype": "int16"})]


def test_a_microphone_that_goes_away_is_told(
    device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.listen.sources.GONE_S", 0.05)
    blocks = MicrophoneSource().blocks(Event())
    next(blocks)
    with pytest.raises(ListenError, match="is it still there"):
        next(blocks)

    def in_use(*_: object, **__: object) -> None:
        raise device.PortAudioError("Device unavailable")

    monkeypatch.setattr(device, "RawInputStream", in_use)
    with pytest.raises(ListenError, match="cannot be heard: Device unavailable"):
        next(MicrophoneSource().blocks(Event()))


def test_a_microphone_that_is_not_there_is_told(device: FakeDevice) -> None:
    with pytest.raises(ListenError, match=r"matching 'none'.*--devices"):
        MicrophoneSource("none")
    assert device.asked == [("none", "input")]


@pytest.mark.parametrize(
    ("fault", "mend"),
    [(ModuleNotFoundError(), "pip install"), (OSError("PortAudio"), "libportaudio2")],
)
def test_what_is_not_installed_is_told(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, mend: str
) -> None:
    def fail(_: str) -> SimpleNamespace:
        raise fault

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(ListenError, match=mend):
        sounddevice()
