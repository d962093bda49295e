import numpy as np
import pytest

from training.data.annotation import Annotation
from training.progressions.scores import Score, pool, score


def annotation(*segments: tuple[float, str]) -> Annotation:
    """Return chords that follow each other from 0 on, each given with its end."""
    ends = [end for end, _ in segments]
    return Annotation(np.stack([[0.0, *ends[:-1]], ends], axis=1), [label for _, label in segments])


TRUTH = annotation((2.0, "C:maj"), (4.0, "A:min7"), (8.0, "F:maj"), (10.0, "B:dim"))


def test_the_truth_itself_is_perfect() -> None:
    for name, figure in score(TRUTH, TRUTH).items():
        assert figure.value == pytest.approx(1), name


def test_each_figure_is_the_share_of_time_at_its_level_of_detail() -> None:
    answer = annotation((2.0, "C:min"), (4.0, "A:min"), (6.0, "F:maj"), (8.0, "G:maj"), (10.0, "N"))

    found = score(TRUTH, answer)

    assert found["root"].value == pytest.approx(0.6)  # wrong: G for F, N for B
    assert found["thirds"].value == pytest.approx(0.4)  # and C minor for major
    # Diminished chords are outside of majmin and sevenths: 8 s are spoken of.
    assert (found["majmin"].value, found["majmin"].weight) == pytest.approx((0.5, 8))
    # Am is not Am7.
    assert (found["sevenths"].value, found["sevenths"].weight) == pytest.approx((0.25, 8))


def test_too_few_and_too_many_segments_are_told_apart() -> None:
    one = score(TRUTH, annotation((10.0, "C:maj")))
    assert one["overseg"].value == pytest.approx(1)
    assert one["underseg"].value == pytest.approx(0.4)
    assert one["seg"].value == one["underseg"].value
    assert one["boundary_f_0.5s"].value == 0

    many = score(TRUTH, annotation(*((float(n), "CD"[n % 2] + ":maj") for n in range(1, 11))))
    assert many["underseg"].value == pytest.approx(1)
    assert many["overseg"].value < 0.6
    assert many["boundary_recall_0.5s"].value == 1
    assert many["boundary_precision_0.5s"].value == pytest.approx(3 / 9)


def test_a_boundary_is_hit_within_the_window() -> None:
    late = annotation((2.4, "C:maj"), (4.1, "A:min7"), (8.0, "F:maj"), (10.0, "B:dim"))
    found = score(TRUTH, late)
    assert found["boundary_recall_0.25s"].value == pytest.approx(2 / 3)
    assert found["boundary_recall_0.5s"].value == 1


def test_neighbours_of_one_chord_are_one_segment() -> None:
    split = annotation((1.0, "C:maj"), (2.0, "C:maj"), (4.0, "A:min7"), (8.0, "F:maj"),
                       (10.0, "B:dim"))  # fmt: skip
    assert score(TRUTH, split)["boundary_precision_0.25s"].value == 1


def test_an_answer_that_ends_early_counts_as_no_chord_there() -> None:
    assert score(TRUTH, annotation((5.0, "C:maj")))["root"].value == pytest.approx(0.2)


def test_no_change_answered_by_no_change_is_right() -> None:
    found = score(annotation((3.0, "C:maj")), annotation((3.0, "D:maj")))
    assert found["boundary_f_0.25s"].value == 1
    assert found["root"].value == 0


def test_pooled_figures_weigh_by_time_and_hold_the_value_in_their_interval() -> None:
    recordings = [{"root": Score(1.0, 30.0)}, {"root": Score(0.0, 10.0)}]
    pooled = pool(recordings, ["a", "b"])["root"]
    assert pooled.value == pytest.approx(0.75)
    assert (pooled.low, pooled.high) == (0, 1)


def test_a_figure_that_speaks_of_nothing_is_left_out() -> None:
    diminished = annotation((3.0, "B:dim"))
    assert "majmin" not in pool([score(diminished, diminished)], ["a"])


def test_a_figure_is_pooled_over_the_recordings_that_have_it() -> None:
    pooled = pool([{}, {"key": Score(1.0)}, {"key": Score(0.5)}], ["a", "b", "c"])
    assert pooled["key"].value == pytest.approx(0.75)
