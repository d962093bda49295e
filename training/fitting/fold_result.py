"""What a network says of clips that it never saw, and the file that keeps it."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.files import written_whole
from training.data.clip_keys import ClipKey
from training.errors import TrainingError


@dataclass(frozen=True)
class FoldResult:
    """Logits for clips that a network never saw.

    Attributes
    ----------
    name
        What was held out.
    clip_names, data_sets, groups
        One entry per clip.
    truth
        Index of the true label, shape [clips].
    logits
        Clip logits, shape [clips, labels].
    durations_s
        How long the clips are, shape [clips]; NaN where that is unknown.
    cuts_s
        Lengths to which the clips were cut as well, shape [cuts].
    cut_logits
        Logits of the cut clips, shape [cuts, clips, labels]; NaN where a clip is no longer.
    """

    name: str
    clip_names: list[str]
    data_sets: list[str]
    groups: list[str]
    truth: NDArray[np.int64]
    logits: NDArray[np.float32]
    durations_s: NDArray[np.float64]
    cuts_s: NDArray[np.float64]
    cut_logits: NDArray[np.float32]

    @property
    def keys(self) -> list[ClipKey]:
        """What each clip is known by."""
        return list(zip(self.data_sets, self.groups, self.clip_names, strict=True))

    def save(self, file: Path) -> None:
        """Keep it in a file that bears its name; an interruption leaves none, or a whole one."""
        kept = asdict(self)
        del kept["name"]
        with written_whole(file) as partial, partial.open("wb") as opened:
            np.savez_compressed(opened, **kept)

    @classmethod
    def load(cls, file: Path) -> "FoldResult":
        """Return what was kept in a file."""
        with np.load(file, allow_pickle=False) as stored:
            if "cuts_s" not in stored:
                raise TrainingError(
                    f"{file} comes from an older version, which heard no clips cut short. Start a "
                    "new run with python -m training fit."
                )
            return cls(
                name=file.stem,
                clip_names=stored["clip_names"].tolist(),
                data_sets=stored["data_sets"].tolist(),
                groups=stored["groups"].tolist(),
                truth=stored["truth"],
                logits=stored["logits"],
                durations_s=stored["durations_s"],
                cuts_s=stored["cuts_s"],
                cut_logits=stored["cut_logits"],
            )
