from training.data.labels import CHORDS, QUALITIES, chord_label
from training.progressions.made_up_lessons import OF_TRIADS, WITH_OTHERS, WITH_SEVENTHS
from training.progressions.songs import SEQUENCES, ChordSequence


def turns(sequence: ChordSequence) -> set[ChordSequence]:
    """Return a sequence as it reads from each of its chords and in each key."""
    return {
        tuple(((root + up) % 12, quality) for root, quality in sequence[n:] + sequence[:n])
        for n in range(len(sequence))
        for up in range(12)
    }


def test_no_sequence_of_the_exam_is_learned_from() -> None:
    for_exam = set().union(*map(turns, SEQUENCES))
    assert not for_exam.intersection(WITH_SEVENTHS + OF_TRIADS + WITH_OTHERS)


def test_their_chords_are_in_the_vocabulary_and_change() -> None:
    for sequence in WITH_SEVENTHS + OF_TRIADS + WITH_OTHERS:
        assert {chord_label(*chord) for chord in sequence} <= set(CHORDS)
        assert all(a != b for a, b in zip(sequence, sequence[1:] + sequence[:1], strict=True))


def test_most_chords_of_those_with_sevenths_have_them() -> None:
    chords = [quality for sequence in WITH_SEVENTHS for _, quality in sequence]
    assert sum("7" in quality for quality in chords) > 0.9 * len(chords)


def test_all_qualities_that_the_exam_lacks_are_learned_from() -> None:
    for_exam = {quality for sequence in SEQUENCES for _, quality in sequence}
    learned = {quality for sequence in WITH_OTHERS for _, quality in sequence}
    assert set(QUALITIES) - for_exam <= learned
