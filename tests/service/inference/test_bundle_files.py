from pathlib import Path

import numpy as np
import pytest

from service.inference.bundle_files import (
    BANK_FILE,
    CARD_FILE,
    CONTEXT_BANK_FILE,
    CONTEXT_FILES,
    EMBEDDING_FILE,
    HASHED_FILES,
    RATINGS_FILE,
    file_sha256,
)
from tests.bundles import edit_card, rehash
from tests.networks import write_embedding
from tests.service.inference.refusals import refusal


@pytest.mark.parametrize("name", [CARD_FILE, *HASHED_FILES])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refusal(folder) == f"{folder.name}/{name} does not exist"


@pytest.mark.parametrize("name", HASHED_FILES)
def test_a_damaged_file_is_named(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"\0")
    assert refusal(folder).startswith(f"{folder.name}/{name} is damaged")


@pytest.mark.parametrize("name", HASHED_FILES)
def test_a_file_whose_hash_the_card_does_not_know_is_named(folder: Path, name: str) -> None:
    edit_card(folder, sha256={n: file_sha256(folder / n) for n in HASHED_FILES if n != name})
    assert refusal(folder).startswith(f"{folder.name}/{name} is damaged")


@pytest.mark.parametrize("change", [{"labels": ["one"]}, {"surprise": 1}, {"windows": {}}])
def test_a_bad_card_is_named_with_its_fault(folder: Path, change: dict[str, object]) -> None:
    edit_card(folder, **change)

    reason = refusal(folder)

    assert reason.startswith(f"{folder.name}/{CARD_FILE} is not a valid card")
    assert next(iter(change)) in reason
    assert "\n" not in reason
    assert "pydantic" not in reason


def test_a_card_that_is_not_json_is_named(folder: Path) -> None:
    (folder / CARD_FILE).write_text("task: genre")
    assert refusal(folder).startswith(f"{folder.name}/{CARD_FILE} is not a valid card")


def test_a_filter_bank_of_another_shape_is_named(folder: Path) -> None:
    np.save(folder / BANK_FILE, np.zeros((3, 129), np.float32))
    rehash(folder)
    assert refusal(folder) == f"{folder.name}/{BANK_FILE} has shape (3, 129), not (4, 129)"


def test_a_missing_embedding_is_named(embedding_folder: Path) -> None:
    (embedding_folder / EMBEDDING_FILE).unlink()
    assert refusal(embedding_folder) == f"emotion/{EMBEDDING_FILE} does not exist"


def test_a_damaged_embedding_is_named(embedding_folder: Path) -> None:
    write_embedding(embedding_folder / EMBEDDING_FILE, bands=4, gain=2.1)
    assert refusal(embedding_folder).startswith(f"emotion/{EMBEDDING_FILE} is damaged")


def test_an_embedding_that_the_card_does_not_know_is_named(embedding_folder: Path) -> None:
    known = {name: file_sha256(embedding_folder / name) for name in HASHED_FILES}
    edit_card(embedding_folder, sha256=known)
    assert refusal(embedding_folder).startswith(f"emotion/{EMBEDDING_FILE} is damaged")


def test_missing_ratings_are_named(rated_folder: Path) -> None:
    (rated_folder / RATINGS_FILE).unlink()
    assert refusal(rated_folder) == f"emotion/{RATINGS_FILE} does not exist"


@pytest.mark.parametrize("name", CONTEXT_FILES)
@pytest.mark.parametrize("known", [True, False])
def test_a_missing_part_of_a_context_is_named(
    context_folder: Path, name: str, *, known: bool
) -> None:
    (context_folder / name).unlink()
    if not known:
        rehash(context_folder)
    assert refusal(context_folder) == f"emotion/{name} does not exist"


@pytest.mark.parametrize("name", CONTEXT_FILES)
def test_a_damaged_part_of_a_context_is_named(context_folder: Path, name: str) -> None:
    with (context_folder / name).open("ab") as file:
        file.write(b"\0")
    assert refusal(context_folder).startswith(f"emotion/{name} is damaged")


def test_a_contexts_filter_bank_of_another_shape_is_named(context_folder: Path) -> None:
    np.save(context_folder / CONTEXT_BANK_FILE, np.zeros((3, 129), np.float32))
    rehash(context_folder)
    expected = f"emotion/{CONTEXT_BANK_FILE} has shape (3, 129), not (4, 129)"
    assert refusal(context_folder) == expected
