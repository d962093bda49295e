from pathlib import Path

from tests.audio import noise
from tests.training.made import write_wav
from tests.training.runs import write_run
from training.fitting.run_folder import INPUTS_FILE
from training.results.recordings import clips_at_hand, files_of


def test_files_of_one_name_in_one_group_are_not_shown_for_each_other(tmp_path: Path) -> None:
    """Two players' first takes are both 0.wav, and are one group since one is a copy."""
    names = ["flute/jo/0.wav", "flute/bo/0.wav", "flute/bo/1.wav", "organ/bo/0.wav"]
    lines = ["clip,label,data_set,group,split,content"]
    for name in names:
        file = write_wav(tmp_path / name, noise(0.2, rate_hz=8_000), 8_000)
        lines.append(f"{file},{name.split('/')[0]},made,jo,extra,0")
    lines.append(f"{tmp_path / 'gone.wav'},flute,made,jo,extra,0")
    run = write_run(tmp_path / "run")
    (run.path / INPUTS_FILE).write_text("\n".join(lines), "utf-8")

    assert [clip.source.name for clip in clips_at_hand(run)] == [str(tmp_path / n) for n in names]
    assert files_of(run) == {
        ("made", "jo", "flute/jo/0.wav"): tmp_path / names[0],
        ("made", "jo", "flute/bo/0.wav"): tmp_path / names[1],
        ("made", "jo", "1.wav"): tmp_path / names[2],
        ("made", "jo", "organ/bo/0.wav"): tmp_path / names[3],
    }
