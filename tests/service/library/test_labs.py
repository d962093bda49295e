from service.library.labs import lab
from service.schemas import BassInfo, TimelineSegment


def segment(start_s: float, label: str, bass: BassInfo | None = None) -> TimelineSegment:
    return TimelineSegment(
        start_s=start_s,
        end_s=start_s + 1.5,
        label=label,
        confidence=0.9,
        probabilities={label: 0.9},
        bass=bass,
    )


def test_a_lab_file_names_the_bass_where_one_is_told() -> None:
    bass = BassInfo(note="C", degree="b3", probability=0.9)
    names = {"Am": "A:min", "N": "N"}
    assert lab([segment(0, "Am", bass), segment(1.5, "Am"), segment(3, "N")], names) == (
        "0.000\t1.500\tA:min/b3\n1.500\t3.000\tA:min\n3.000\t4.500\tN\n"
    )
