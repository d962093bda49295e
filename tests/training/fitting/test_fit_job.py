import shutil
from pathlib import Path

from tests.audio import noise
from tests.training.fitting.jobs import make_job
from tests.training.made import MOOD_RATE_HZ, write_moods, write_wav
from tests.training.tiny import TOY, varied
from training.fitting import material
from training.fitting.beside import Beside
from training.fitting.fit_job import fingerprint


def test_the_fingerprint_tells_what_lies_in_the_folders_beside(tmp_path: Path) -> None:
    data = write_moods(tmp_path / "data")
    recipe, speech = varied(TOY, share=0.2), tmp_path / "speech"

    def fingerprint_with(seed: int, name: str) -> str:
        shutil.rmtree(speech, ignore_errors=True)
        write_wav(speech / name, noise(0.6, rate_hz=MOOD_RATE_HZ, seed=seed), MOOD_RATE_HZ)
        job = make_job(tmp_path, data, recipe, beside=Beside(outside=[speech]))
        gathered = material.gather(
            recipe, job.data, job.cache, teacher=None, seed=job.seed, beside=job.beside
        )
        return fingerprint(job, gathered.clips, gathered.others)

    assert fingerprint_with(1, "a.wav") == fingerprint_with(1, "b.wav")
    assert fingerprint_with(1, "a.wav") != fingerprint_with(2, "a.wav")
