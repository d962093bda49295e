from pathlib import Path

import pytest

from service.startup.models_folder import check_models
from service.startup.refusal import StartRefused
from tests.bundles import write_bundle

TASKS = ("genre", "chord")


def test_a_folder_that_does_not_exist_is_refused_with_its_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StartRefused) as caught:
        check_models(Path("modles"), TASKS)
    assert f"There is no folder {tmp_path / 'modles'}." in str(caught.value)
    assert "SERVICE_MODELS_DIR" in str(caught.value)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    with pytest.raises(StartRefused, match="There is no folder"):
        check_models(tmp_path / "models", TASKS)


def test_a_folder_without_any_bundle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "genre").mkdir()  # without a card
    with pytest.raises(StartRefused, match="none of the tasks genre, chord, nor of any other"):
        check_models(tmp_path, TASKS)


def test_a_folder_with_none_of_the_tasks_is_refused_and_tells_what_it_holds(
    tmp_path: Path,
) -> None:
    write_bundle(tmp_path / "tempo", labels=("slow", "fast"))
    with pytest.raises(StartRefused, match="but of tempo") as caught:
        check_models(tmp_path, TASKS)
    assert str(tmp_path) in str(caught.value)
    assert "SERVICE_TASKS" in str(caught.value)


def test_one_of_the_tasks_is_enough_to_start(tmp_path: Path) -> None:
    write_bundle(tmp_path / "chord")
    check_models(tmp_path, TASKS)


def test_where_no_task_must_be_there_any_folder_will_do(tmp_path: Path) -> None:
    check_models(tmp_path, ())
