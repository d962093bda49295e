from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from service.audio.decode import Clip
from service.inference.bundle import Bundle
from tests.bundles import write_bundle
from tests.training.made import write_wav
from training.data.labels import CHORDS, GENRES
from training.errors import TrainingError
from training.robustness import outsiders
from training.robustness.outsiders import RATE_HZ, OutsiderJob, count_outsiders


def job(bundle: Path, *folders: Path, count: int = 4, joined_s: float | None = None) -> OutsiderJob:
    return OutsiderJob(bundle=bundle, folders=folders, count=count, joined_s=joined_s, seed=1)


def write_talk(folder: Path, *durations_s: float) -> Path:
    """Write constant waveforms that tell the recording by their level."""
    folder.mkdir(parents=True)
    for n, duration_s in enumerate(durations_s, start=1):
        samples = np.full(round(duration_s * RATE_HZ), n / 10, np.float32)
        write_wav(folder / f"{n}.wav", samples, RATE_HZ)
    return folder


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Clip]:
    """All clips that were asked about; of these, the first is uncertain, the second is N."""
    clips: list[Clip] = []

    def answer(clip: Clip, bundles: Mapping[str, Bundle]) -> dict[str, Any]:
        clips.append(clip)
        number = len(clips)
        label = "N" if number == 2 else "C"
        return {name: SimpleNamespace(uncertain=number == 1, label=label) for name in bundles}

    monkeypatch.setattr(outsiders, "classify", answer)
    return clips


def test_shares_are_counted_for_noise_and_for_each_folder(
    tmp_path: Path, heard: list[Clip]
) -> None:
    bundle = write_bundle(tmp_path / "chord", labels=CHORDS)
    talk = write_talk(tmp_path / "talk", 1.0, 1.0)

    noise, speech = count_outsiders(job(bundle, talk))

    assert (noise.kind, noise.n, speech.kind, speech.n) == ("noise and hum", 4, "talk", 2)
    assert noise.uncertain.value == 0.25
    assert noise.no_chord is not None
    assert noise.no_chord.value == 0.25
    assert noise.uncertain_or_no_chord is not None
    assert noise.uncertain_or_no_chord.value == 0.5
    assert noise.summary() == "noise and hum, 4 clips: 0.250 uncertain, 0.250 N, 0.500 either"
    assert speech.uncertain.value == 0.0
    assert len(heard) == 6


def test_a_bundle_that_knows_no_n_has_no_share_of_it(tmp_path: Path, heard: list[Clip]) -> None:
    bundle = write_bundle(tmp_path / "genre", labels=GENRES)
    (noise,) = count_outsiders(job(bundle, count=2))
    assert noise.no_chord is None
    assert noise.summary() == "noise and hum, 2 clips: 0.500 uncertain"
    assert len(heard) == 2


def test_recordings_are_put_together_and_cut_to_length(tmp_path: Path, heard: list[Clip]) -> None:
    bundle = write_bundle(tmp_path / "chord", labels=CHORDS)
    talk = write_talk(tmp_path / "talk", 1.0, 1.0, 1.0, 1.0)

    _, speech = count_outsiders(job(bundle, talk, count=9, joined_s=1.5))

    assert speech.n == 2
    for clip in heard[9:]:
        assert clip.duration_s == pytest.approx(1.5)
        (samples,) = clip.waveforms.values()
        # Two levels, and what resampling puts between them.
        assert np.count_nonzero(np.bincount(np.round(10 * samples).astype(int))[1:] > 100) == 2


def test_short_and_silent_recordings_are_passed_over(tmp_path: Path, heard: list[Clip]) -> None:
    bundle = write_bundle(tmp_path / "chord", labels=CHORDS)
    talk = write_talk(tmp_path / "talk", 0.2, 1.0)
    write_wav(talk / "silent.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    (talk / "broken.wav").write_bytes(b"no sound at all")

    _, speech = count_outsiders(job(bundle, talk))

    assert speech.n == 1
    assert len(heard) == 5


def test_a_folder_without_recordings_and_a_folder_that_is_no_bundle_are_errors(
    tmp_path: Path,
) -> None:
    bundle = write_bundle(tmp_path / "genre", labels=GENRES)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="empty holds no recording"):
        count_outsiders(job(bundle, tmp_path / "empty", count=1))
    with pytest.raises(TrainingError, match="cannot be used"):
        count_outsiders(job(tmp_path / "empty"))
