import json

import pytest

from service.streaming.protocol import (
    MAX_REASON_BYTES,
    Close,
    StreamRefused,
    StreamStart,
    cut_reason,
    read_end,
    read_start,
)
from tests.service.streaming.said import START_JSON


def start_with(**changes: object) -> str:
    return json.dumps(START_JSON | changes)


def test_the_start_tells_how_large_audio_is() -> None:
    start = read_start(start_with(channels=2, encoding="pcm_s16le"), 48_000, 2)
    assert start == StreamStart(sample_rate_hz=8_000, channels=2, encoding="pcm_s16le")
    assert start.frame_bytes == 4
    assert start.bytes_per_s == 32_000


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("audio", "JSON"),
        ("[]", "object"),
        ("{}", "sample_rate_hz"),
        (start_with(sample_rate_hz="fast"), "sample_rate_hz"),
        (start_with(sample_rate_hz=100), "4000 to 48000"),
        (start_with(sample_rate_hz=96_000), "4000 to 48000"),
        (start_with(channels=0), "channels"),
        (start_with(channels=3), "at most 2"),
        (start_with(encoding="mp3"), "pcm_s16le"),
        (start_with(gain=1), "gain"),
        (start_with(**{"gain" * 100: 1}), "gain: is unknown"),
        ('{"end": true}', "sample_rate_hz"),
    ],
)
def test_a_start_that_does_not_fit_is_refused_in_words(text: str, word: str) -> None:
    with pytest.raises(StreamRefused) as refused:
        read_start(text, 48_000, 2)
    assert word in cut_reason(refused.value.ending.reason)
    assert refused.value.ending.code == Close.POLICY
    assert not refused.value.ending.says_final


def test_only_the_end_may_follow_as_text() -> None:
    read_end('{"end": true}')
    for text in ('{"end": false}', "{}", "stop", start_with()):
        with pytest.raises(StreamRefused) as refused:
            read_end(text)
        assert refused.value.ending.code == Close.WRONG_KIND


def test_a_long_reason_is_cut_between_letters() -> None:
    assert cut_reason("short") == "short"
    cut = cut_reason("x" + 100 * "é")
    assert len(cut.encode()) == MAX_REASON_BYTES
    assert cut == "x" + 61 * "é"
