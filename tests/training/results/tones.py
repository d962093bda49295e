"""A run of a network that tells low tones from high ones."""

from pathlib import Path

import pytest

from tests.audio import tone
from tests.server import ROOT
from tests.training.fitting.jobs import make_job
from tests.training.made import write_csv, write_wav
from tests.training.tiny import TOY, with_fit
from tests.training.untrained import train_the_last
from training.data.scales import RATINGS_LIST
from training.fitting import fit_without
from training.fitting.fit_task import fit
from training.fitting.run_folder import RunFolder
from training.recipes import Recipe


def fit_tones(recipe: Recipe, folder: Path) -> RunFolder:
    """Let a small network really learn to tell low tones from high ones; return its run.

    Listeners of two collections found the high ones more energetic. Only the network that is
    exported learns.
    """
    rate_hz = TOY.inputs.features.sample_rate_hz
    rows, rated = [], []
    for n in range(12):
        label, frequency_hz = (("sad", 300), ("happy", 2_500))[n % 2]
        write_wav(folder / f"{n}.wav", tone(frequency_hz + 5 * n, 0.6, rate_hz=rate_hz), rate_hz)
        rows.append((f"{n}.wav", label, f"artist-{n}"))
        rated.append((f"{n}.wav", ("films", "more films")[n // 6], str(frequency_hz + n)))
    write_csv(folder / "emotion.csv", ("file", "emotion", "group"), rows)
    write_csv(folder / RATINGS_LIST, ("file", "dataset", "rated_energy"), rated)
    command = "python -m training fit emotion --data made"
    recipe = with_fit(recipe, epochs=8)
    job = make_job(folder, folder, recipe, command=command, models=ROOT / "models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_without, "fit_network", train_the_last)
        fit(job)
    return job.run
