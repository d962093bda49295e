from pathlib import Path

import pytest

from tests.training.made import make_clip
from training.data.readers import AudioFile, LabelledClip
from training.data.soundness import check_labels, check_presence, is_grouped, remarks
from training.errors import TrainingError


def clips_of(**groups: int) -> list:  # type: ignore[type-arg]
    """Return clips of each label, each of a group of its own."""
    return [
        make_clip(label, f"{label}-{n}") for label, count in groups.items() for n in range(count)
    ]


def test_sound_data_need_no_remark() -> None:
    assert remarks(clips_of(calm=9, angry=10)) == []


def test_missing_groups_are_said_to_flatter() -> None:
    clips = [*clips_of(calm=9, angry=9), make_clip("calm", "file:a.wav")]
    (remark,) = remarks(clips)
    assert "1 of 19 clips name no group" in remark
    assert "flatter" in remark
    assert not is_grouped(clips)
    assert is_grouped(clips[:-1])


def test_a_label_of_one_group_is_said_not_to_be_measured() -> None:
    clips = [*clips_of(calm=9, angry=9), make_clip("tense", "one"), make_clip("tense", "one")]
    assert any("tense" in remark and "not measured" in remark for remark in remarks(clips))


def test_few_groups_and_imbalance_are_named() -> None:
    few, uneven = remarks(clips_of(calm=50, angry=3))
    assert "angry" in few
    assert "50 clips of calm and 3 of angry" in uneven


def test_labels_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(TrainingError, match="two or more"):
        check_labels("mood", ["calm"])
    with pytest.raises(TrainingError, match="Calm, calm differ only in capitals"):
        check_labels("mood", ["Calm", "angry", "calm"])


def test_a_list_of_which_no_file_is_there_is_refused_at_once(tmp_path: Path) -> None:
    clips = [
        LabelledClip(AudioFile(tmp_path / f"{n}.wav"), "calm", "mine", str(n)) for n in range(3)
    ]
    with pytest.raises(
        TrainingError, match=r"None of the 3 files .* such as .*0\.wav.*with / between"
    ):
        check_presence(clips)
    (tmp_path / "2.wav").touch()
    check_presence(clips)
