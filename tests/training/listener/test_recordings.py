from pathlib import Path

import numpy as np
import pytest

from training.errors import TrainingError, UnreadableClip
from training.listener.recordings import MUSIC, RATE_HZ, Shelf, Sound, total_h


def sound(name: str, samples: np.ndarray) -> Sound:
    return Sound(name, MUSIC, "set", f"group:{name}", lambda: samples.astype(np.float32))


def test_what_was_put_on_a_shelf_can_be_read_from_anywhere(tmp_path: Path) -> None:
    ramp = np.linspace(-1, 1, 1_000)
    Shelf.fill(tmp_path, [sound("first", np.zeros(500)), sound("second", ramp)])

    shelf = Shelf(tmp_path)

    assert [recording.name for recording in shelf.recordings] == ["first", "second"]
    read = shelf.read(shelf.recordings[1], 100, 50)
    np.testing.assert_allclose(read, ramp[100:150], atol=1 / 32_767)


def test_a_recording_starts_again_where_it_ends_too_soon(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 100)
    shelf = Shelf.fill(tmp_path, [sound("short", ramp)])

    read = shelf.read(shelf.recordings[0], 90, 30)

    np.testing.assert_allclose(read, np.concatenate([ramp[90:], ramp[:20]]), atol=1e-4)


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    def broken() -> np.ndarray:
        raise UnreadableClip("broken")

    sounds = [Sound("bad", MUSIC, "set", "bad", broken), sound("good", np.ones(10))]

    assert [r.name for r in Shelf.fill(tmp_path, sounds).recordings] == ["good"]
    with pytest.raises(TrainingError, match="None of the recordings can be read"):
        Shelf.fill(tmp_path, sounds[:1])


def test_hours_add_up(tmp_path: Path) -> None:
    shelf = Shelf.fill(tmp_path, [sound("a", np.zeros(RATE_HZ * 18))] * 2)

    assert total_h(shelf.recordings) == pytest.approx(0.01)


def test_an_empty_folder_says_what_to_do_first(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="gather"):
        Shelf(tmp_path)
