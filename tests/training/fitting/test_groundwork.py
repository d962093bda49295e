from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.made import make_clip
from tests.training.tiny import TOY
from training.fitting import groundwork
from training.fitting.groundwork import folds_of, keep_copies_together, versions, write_down
from training.fitting.items import Item, Material
from training.fitting.run_folder import RunFolder
from training.recipes.own_task import own_task

OWN = own_task("mood", ["angry", "calm"])
NO_COMMENT = np.zeros((0, 0), np.float32)


def material_of(groups: list[str]) -> Material:
    clips = [make_clip("calm", group, name=f"{i}.wav") for i, group in enumerate(groups)]
    grid = np.zeros((20, 6), np.float16)
    items = [Item(group, 0, [grid], NO_COMMENT, 1.0) for group in groups]
    return Material(clips, items, [], [], [])


def test_groups_that_share_a_recording_become_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(groundwork, "near_duplicates", lambda _: [(0, 2)])
    material = material_of(["jo", "bo", "al", "al"])

    joined = keep_copies_together(material, OWN)

    groups = [clip.group for clip in joined.clips]
    assert groups == [item.group for item in joined.items]
    assert groups[0] == groups[2] == groups[3] != groups[1]
    assert "so of 3 groups 2 are left" in caplog.messages[-1]
    assert keep_copies_together(material, TOY) is material


def test_a_recording_with_two_labels_is_named_first(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(groundwork, "near_duplicates", lambda _: [(0, 1), (2, 3)])
    material = material_of(["jo", "bo", "al", "al"])
    material.clips[3] = replace(material.clips[3], label="angry")

    keep_copies_together(material, OWN)

    assert caplog.messages[0] == "the same recording: 2.wav, 3.wav, labelled angry and calm"
    assert caplog.messages[1] == "the same recording: 0.wav, 1.wav"


def test_folds_are_made_where_the_recipe_has_none_and_no_list_is_given() -> None:
    clips = [make_clip(label, f"{label}-{i}") for label in ("calm", "angry") for i in range(4)]
    none = replace(TOY, validation=replace(TOY.validation, folds=lambda _: []))

    assert len(folds_of(none, clips, listed=False)) == 4
    assert folds_of(none, clips, listed=True) == []
    assert len(folds_of(TOY, clips, listed=False)) == 2


def test_what_cannot_be_measured_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert folds_of(OWN, [make_clip("calm", "jo"), make_clip("angry", "bo")], listed=False) == []
    assert "Nothing can be measured" in caplog.text


def test_a_run_keeps_its_recipe_and_its_clips(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    notes = write_down(run, OWN, [make_clip("calm", "jo"), make_clip("angry", "bo")])

    text = run.recipe_text()
    assert text is not None
    assert 'labels = ["angry", "calm"]' in text
    assert [(row["label"], row["content"]) for row in run.inputs()] == [
        ("calm", "clip.wav"),
        ("angry", "clip.wav"),
    ]
    assert any("not measured" in note for note in notes)


def test_what_there_is_to_learn_from_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    clips = [make_clip("calm", "jo"), make_clip("calm", "bo"), make_clip("angry", "bo")]
    write_down(RunFolder(tmp_path / "run"), OWN, clips)
    assert "3 clips of 2 groups: angry 1, calm 2" in caplog.messages


def test_versions_name_what_computes() -> None:
    assert {"python", "this package", "keras", "numpy"} <= versions().keys()
