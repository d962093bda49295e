from pathlib import Path

import numpy as np
import pytest

from tests.training.songs909 import write_song
from training.data.labels import CHORDS
from training.data.readers.pop909 import read_pop909
from training.progressions.sequences import (
    SEVENTHS,
    SEVENTHS_SHARE,
    learn_sequences,
)


def test_changes_are_counted_as_if_in_c_whatever_the_key(tmp_path: Path) -> None:
    (song,) = read_pop909(write_song(tmp_path, key="G:maj"))
    learned = learn_sequences([song], [])
    # A:min7 after C:maj is, in G, what D:min7 after F:maj is in C.
    after = learned.change[0, CHORDS.index("F")]
    assert CHORDS[int(after.argmax())] == "Dm7"
    assert learned.change.sum(axis=2) == pytest.approx(1)
    assert np.diagonal(learned.change, axis1=1, axis2=2) == pytest.approx(0)
    assert CHORDS[int(learned.common[0].argmax())] == "C7"
    assert learned.modes[:2].tolist() == [1 - SEVENTHS_SHARE, 0]


def test_sequences_full_of_sevenths_are_a_style_of_their_own(tmp_path: Path) -> None:
    (song,) = read_pop909(write_song(tmp_path))
    learned = learn_sequences([song], [((2, "m7"), (7, "7"), (0, "maj7"))])
    after = learned.change[SEVENTHS, CHORDS.index("Dm7")]
    assert CHORDS[int(after.argmax())] == "G7"
    # They repeat, so that the first follows the last.
    assert CHORDS[int(learned.change[SEVENTHS, CHORDS.index("Cmaj7")].argmax())] == "Dm7"
    assert learned.modes[SEVENTHS] == SEVENTHS_SHARE
    assert learned.modes.sum() == pytest.approx(1)
    without = learn_sequences([song], [])
    assert np.array_equal(without.common[:SEVENTHS], learned.common[:SEVENTHS])
