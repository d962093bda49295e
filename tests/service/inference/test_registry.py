import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from service.errors import NotFound, NotReady
from service.inference.bundle_files import BANK_FILE, MODEL_FILE
from service.inference.registry import RETRY_FAILED_S, RETRY_LOADING_S, Registry
from tests.bundles import EMOTIONS, rehash, write_bundle, write_models
from tests.goldens import save_golden

TASKS = ("genre", "chord", "emotion")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_models(tmp_path)


def loaded(folder: Path, tasks: tuple[str, ...] = TASKS) -> Registry:
    registry = Registry(folder, tasks)
    registry.load_all()
    return registry


def states(registry: Registry) -> dict[str, str]:
    return {task: entry.state for task, entry in registry.entries().items()}


def test_every_bundle_loads_and_is_handed_out(models_dir: Path) -> None:
    registry = loaded(models_dir)

    assert states(registry) == dict.fromkeys(TASKS, "ready")
    assert registry.bundle("emotion").card.labels == list(EMOTIONS)
    assert list(registry.ready_bundles()) == list(TASKS)
    assert registry.missing_tasks() == []


def test_a_task_is_loading_until_it_is_loaded(models_dir: Path) -> None:
    registry = Registry(models_dir, TASKS)

    assert states(registry) == dict.fromkeys(TASKS, "loading")
    assert registry.missing_tasks() == list(TASKS)
    for answer in (lambda: registry.bundle("genre"), registry.ready_bundles):
        with pytest.raises(NotReady, match="loading") as caught:
            answer()
        assert caught.value.retry_after_s == RETRY_LOADING_S


def test_a_broken_bundle_leaves_the_others_serving(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "genre" / MODEL_FILE).write_bytes(b"damaged")

    with caplog.at_level(logging.ERROR):
        registry = loaded(folder)

    assert states(registry) == {"genre": "failed", "chord": "ready", "emotion": "ready"}
    assert list(registry.ready_bundles()) == ["chord", "emotion"]
    reason = registry.entries()["genre"].reason
    assert reason is not None
    assert MODEL_FILE in reason
    assert reason in caplog.text
    with pytest.raises(NotReady, match="failed its start-up proof") as caught:
        registry.bundle("genre")
    assert caught.value.retry_after_s == RETRY_FAILED_S


def test_a_bundle_that_fails_in_an_unforeseen_way_leaves_the_others_serving(folder: Path) -> None:
    # Hashes and card fit, but training forgot an array, or wrote no array at all.
    save_golden(folder / "genre", {"samples": np.zeros(1_000, np.float32)})
    rehash(folder / "genre")
    (folder / "chord" / BANK_FILE).write_bytes(b"no array")
    rehash(folder / "chord")

    registry = loaded(folder)

    assert states(registry) == {"genre": "failed", "chord": "failed", "emotion": "ready"}
    assert "features" in str(registry.entries()["genre"].reason)


def test_a_missing_required_task_has_failed(models_dir: Path) -> None:
    registry = loaded(models_dir, (*TASKS, "tempo"))

    assert states(registry)["tempo"] == "failed"
    assert "does not exist" in str(registry.entries()["tempo"].reason)
    assert registry.missing_tasks() == ["tempo"]
    with pytest.raises(NotReady, match="tempo"):
        registry.bundle("tempo")


def test_an_unknown_task_is_not_found_and_the_known_ones_are_listed(models_dir: Path) -> None:
    with pytest.raises(NotFound, match=r"'tempo'.* chord, emotion, genre"):
        loaded(models_dir).bundle("tempo")


def test_a_task_is_found_in_whatever_case_it_is_written(models_dir: Path) -> None:
    registry = Registry(models_dir, TASKS)
    registry.load_all()
    assert registry.bundle("GENRE") is registry.bundle("Genre") is registry.bundle("genre")


def test_cards_are_at_hand_while_bundles_load_and_not_when_they_have_failed(folder: Path) -> None:
    (folder / "chord" / MODEL_FILE).write_bytes(b"damaged")
    registry = Registry(folder, (*TASKS, "missing"))

    loading = registry.cards()
    registry.load_all()
    loaded = registry.cards()

    assert [task for task, card in loading.items() if card is None] == ["missing"]
    assert [task for task, card in loaded.items() if card is None] == ["chord", "missing"]
    assert loading["genre"] == loaded["genre"]


def test_a_fourth_task_is_served_by_adding_a_folder(folder: Path) -> None:
    write_bundle(folder / "tempo", labels=("slow", "fast"))

    registry = loaded(folder)

    assert registry.bundle("tempo").card.labels == ["slow", "fast"]
    assert list(registry.ready_bundles()) == [*TASKS, "tempo"]


def test_a_folder_without_a_card_is_no_task(folder: Path) -> None:
    (folder / "notes").mkdir()
    assert set(states(Registry(folder, TASKS))) == set(TASKS)


def test_a_card_of_another_task_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "genre", task="chord")

    registry = loaded(tmp_path, ("genre",))

    assert states(registry) == {"genre": "failed"}
    assert "card of the task chord" in str(registry.entries()["genre"].reason)


@pytest.mark.parametrize("tasks", [TASKS, ()])
def test_a_folder_without_bundles_has_nothing_ready(tmp_path: Path, tasks: tuple[str, ...]) -> None:
    registry = loaded(tmp_path, tasks)

    assert states(registry) == dict.fromkeys(tasks, "failed")
    with pytest.raises(NotReady) as caught:
        registry.ready_bundles()
    assert caught.value.retry_after_s == RETRY_FAILED_S


def test_loading_again_serves_a_newer_bundle(folder: Path) -> None:
    registry = loaded(folder)
    shutil.rmtree(folder / "genre")
    write_bundle(folder / "genre", version="2.0.0")

    registry.load_all()

    assert registry.bundle("genre").card.version == "2.0.0"
    assert states(registry) == dict.fromkeys(TASKS, "ready")


def test_a_newer_bundle_that_fails_leaves_the_old_one_serving(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = loaded(folder)
    old = registry.bundle("genre")
    (folder / "genre" / MODEL_FILE).write_bytes(b"damaged")

    with caplog.at_level(logging.ERROR):
        registry.load_all()

    assert registry.bundle("genre") is old
    assert registry.missing_tasks() == []
    assert states(registry) == dict.fromkeys(TASKS, "ready")
    reason = str(registry.entries()["genre"].reason)
    assert "Serves as before" in reason
    assert MODEL_FILE in reason
    assert MODEL_FILE in caplog.text
    assert "genre serves as before, version 1.0.0" in caplog.text
    assert registry.entries()["genre"].outdated
    assert registry.entries()["chord"].reason is None
    assert not registry.entries()["chord"].outdated


def test_loading_again_mends_a_bundle_that_had_failed(folder: Path) -> None:
    network = (folder / "genre" / MODEL_FILE).read_bytes()
    (folder / "genre" / MODEL_FILE).write_bytes(b"damaged")
    registry = loaded(folder)
    (folder / "genre" / MODEL_FILE).write_bytes(network)

    registry.load_all()

    assert states(registry) == dict.fromkeys(TASKS, "ready")


def test_loading_again_finds_new_folders_and_forgets_removed_ones(folder: Path) -> None:
    registry = loaded(folder, ("genre",))
    shutil.rmtree(folder / "chord")
    write_bundle(folder / "tempo", labels=("slow", "fast"))

    registry.load_all()

    assert set(states(registry)) == {"genre", "emotion", "tempo"}
