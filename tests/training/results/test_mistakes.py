from pathlib import Path

from tests.audio import noise
from tests.training.made import write_wav
from tests.training.tiny import TOY
from training.data.cache import FeatureCache
from training.data.filter_banks import make_bank
from training.results.mistakes import MOST_MISTAKES, ClipAnswer, mistakes
from training.results.recordings import Lens

SPEC = TOY.inputs.features


def told(name: str, sure: float, *, right: bool = False, path: Path | None = None) -> ClipAnswer:
    truth = "loud" if right else "calm"
    return ClipAnswer(name, "made", "jo", truth, {"calm": 1 - sure, "loud": sure}, path)


def test_the_surest_mistakes_come_first_and_no_right_answer() -> None:
    clips = [told("a", 0.7), told("b", 0.9), told("c", 0.95, right=True), told("d", 0.8)]
    assert [one.clip.name for one in mistakes(clips, None)] == ["b", "d", "a"]
    assert clips[0].likeliest() == "loud 0.70, calm 0.30"


def test_there_are_so_many_and_no_more() -> None:
    assert len(mistakes([told(str(n), 0.9) for n in range(80)], None)) == MOST_MISTAKES


def test_a_recording_that_cannot_be_read_is_told_without_sound(tmp_path: Path) -> None:
    whole = write_wav(tmp_path / "a.wav", noise(0.5, rate_hz=8_000), 8_000)
    broken = tmp_path / "b.wav"
    broken.write_bytes(b"no sound")
    clips = [told("a", 0.9, path=whole), told("b", 0.8, path=broken), told("c", 0.7)]
    shown = mistakes(clips, Lens(SPEC, make_bank(SPEC), FeatureCache(tmp_path / "cache")))
    assert [one.picture is not None for one in shown] == [True, False, False]
    assert [one.sound is not None for one in shown] == [True, False, False]
    assert all(one.picture is None for one in mistakes(clips, None))
