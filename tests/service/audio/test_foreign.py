import base64

import numpy as np
import pytest

from service.audio.foreign import name_of, remnant_of


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b\x08", "compressed with gzip"),
        (b"MThd\0\0\0\x06", "a MIDI file, which holds notes"),
        (b"MAC \x96\x0f", "a Monkey's Audio file"),
        (b"RIFF\0\0\0\0AVI LIST", "an AVI video"),
        (b"#EXTM3U\nhttp://example.org/a.mp3", "a playlist, which names other files"),
        (b"  <!DOCTYPE html><html>", "a web page"),
        (b'<?xml version="1.0"?><score-partwise>', "an XML document"),
        (b'<?xml version="1.0"?><playlist>', "a playlist"),
        (b"https://example.org/a.mp3\n", "the address of a file"),
        ("Dear listener".encode("utf-16"), "text"),
        (b"\x7f\xfe\x80\x01", "a DTS file"),
        (b"Extended Module: ", "a module of a tracker"),
        (bytes(range(1, 241)) * 4 + b"x" * 120 + b"M.K.", "a module of a tracker"),
        (b"\x18FICHIER GUITAR PRO v5.00", "a Guitar Pro file"),
        (b"RIFF\0\0\0\0sfbkLIST", "a SoundFont"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "what macOS keeps beside a file"),
        (b'{"error": "not found"}', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
        (b"data:audio/wav;base64,UklGRg==", "base64"),
        (base64.b64encode(bytes(range(256)) * 2), "base64"),
        (b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n', "multipart/form-data"),
        ((b"G" + bytes(187)) * 4, "an MPEG transport stream"),
        (b"\0\0\0\1" + (b"G" + bytes(191)) * 4, "an MPEG transport stream"),
    ],
)
def test_what_is_no_audio_is_named(start: bytes, name: str) -> None:
    assert name in str(name_of(start + bytes(1_000)))
    assert name in str(name_of(b"tag" + start + bytes(1_000), 3))


def test_what_is_printable_throughout_is_text() -> None:
    assert name_of(b"Dear listener,\n" * 50) == "text"
    assert name_of(b"Dear listener,\n" * 50 + b"\xff" * 600) == "text"  # by its first bytes
    assert name_of(b"Dear \x01 listener, this is no text") is None
    assert name_of(b"ID3") is None


def test_what_once_was_audio_is_told() -> None:
    assert "an Ogg stream from its middle" in str(remnant_of(b"\x17" * 100 + b"OggS\0\0"))
    assert "WebM or Matroska from its middle" in str(remnant_of(b"\x1f\x43\xb6\x75" + bytes(99)))
    assert "nothing but zeros" in str(remnant_of(bytes(5_000)))


def test_random_bytes_have_no_name() -> None:
    data = np.random.default_rng(0).bytes(10_000)
    assert name_of(data) is None
    assert remnant_of(data) is None
