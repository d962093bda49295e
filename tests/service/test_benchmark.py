from pathlib import Path

import pytest

from service.benchmark import EXTRA_TIMELINE, FAILED, TIMELINE, main, time_stages
from service.decoding.pool import DecoderPool
from service.inference.bundle import Bundle
from tests.audio import encode, tone
from tests.bundles import edit_card, write_bundle


@pytest.mark.parametrize("context_rate_hz", [None, 11_025])
def test_every_stage_of_a_bundle_is_timed(
    decoders: DecoderPool, tmp_path: Path, context_rate_hz: int | None
) -> None:
    folder = write_bundle(tmp_path / "it", embedding_gain=2.0, context_rate_hz=context_rate_hz)

    stages = time_stages(encode(tone()), Bundle.load(folder), decoders, runs=2)

    assert list(stages) == ["decode", "features", "network", EXTRA_TIMELINE]
    assert min(stages.values()) > 0


def test_the_timeline_of_a_bundle_that_joins_windows_is_a_part_of_every_answer(
    decoders: DecoderPool, tmp_path: Path
) -> None:
    folder = write_bundle(tmp_path / "it")
    edit_card(folder, timeline={"change_probability": 0.1})

    stages = time_stages(encode(tone()), Bundle.load(folder), decoders, runs=1)

    assert list(stages) == ["decode", "features", "network", TIMELINE]


def test_what_cannot_be_timed_is_told_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--models", str(tmp_path)]) == FAILED
    assert f"There is no bundle in {tmp_path}" in capsys.readouterr().err
    assert main(["--file", str(tmp_path / "song.mp3")]) == FAILED
    assert "song.mp3 cannot be read: No such file" in capsys.readouterr().err
