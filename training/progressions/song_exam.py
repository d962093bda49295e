"""Score a bundle on a folder of recordings with their chords, as the service would answer.

Each recording is decoded as an upload is, and the ``.lab`` file that a client would get is scored
by mir_eval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from service.audio.decode import decode
from service.errors import ServiceError
from service.inference.bundle import Bundle
from service.inference.card import Estimate
from service.inference.grids import needed_rates_hz
from training.data.song_folder import SongFile, read_song_folder
from training.errors import TrainingError
from training.evaluation.metrics import with_interval
from training.progressions.keys import score_key
from training.progressions.lab_answers import ask, lab_annotation
from training.progressions.scores import Score, pool, score

# What BTC (Park et al., ISMIR 2019), the best of the open systems, reaches on recordings that it
# did not learn from, as the public benchmark of its descendant btc-hcqt measured it by mir_eval.
BTC = {
    "GuitarSet": {"root": 0.809, "sevenths": 0.646},
    "Schubert Winterreise": {"root": 0.731, "sevenths": 0.553},
}
SHOWN = ("root", "majmin", "triads", "sevenths", "seg", "majmin_inv", "sevenths_inv")
SHOWN_WHERE_KNOWN = ("key",)


class SongRow(BaseModel):
    """The figures of one recording, those that speak of any of its chords."""

    model_config = ConfigDict(extra="forbid")

    file: str
    figures: dict[str, float]


class SongReport(BaseModel):
    """The figures of a folder: pooled, with intervals over its songs, and of each recording."""

    model_config = ConfigDict(extra="forbid")

    model: str
    version: str
    recordings: int
    groups: int
    duration_s: float
    figures: dict[str, Estimate]
    btc: dict[str, dict[str, float]] = BTC
    unreadable: list[str]
    rows: list[SongRow]

    def table(self) -> str:
        """Return the figures as Markdown, the best of others beside them."""
        shown = [*SHOWN, *(name for name in SHOWN_WHERE_KNOWN if name in self.figures)]
        lines = [
            "| | " + " | ".join(shown) + " | worst song, majmin |",
            "|---" * (len(shown) + 2) + "|",
            f"| {self.model} {self.version}, {self.recordings} recordings | "
            + " | ".join(self._cell(name) for name in shown)
            + f" | {self._worst('majmin')} |",
        ]
        for recordings, figures in self.btc.items():
            cells = [f"{figures[name]:.3f}" if name in figures else "" for name in shown]
            lines.append(f"| BTC, published, {recordings} | {' | '.join(cells)} | |")
        return "\n".join(lines)

    def _cell(self, name: str) -> str:
        """Return a figure with its interval; nothing where it speaks of no chord in the folder."""
        return with_interval(self.figures[name]) if name in self.figures else ""

    def _worst(self, name: str) -> str:
        known = [row.figures[name] for row in self.rows if name in row.figures]
        return f"{min(known):.3f}" if known else ""


@dataclass(frozen=True)
class _Heard:
    song: SongFile
    duration_s: float
    scores: dict[str, Score]


def measure_songs(folder: Path, bundle: Bundle) -> SongReport:
    """Ask a bundle about all recordings of a folder.

    Raises
    ------
    TrainingError
        The folder holds no recordings with chords, none can be decoded, or the bundle names no
        chords over time.
    """
    songs = read_song_folder(folder)
    heard: list[_Heard] = []
    unreadable = []
    for song in tqdm(songs, desc="songs", unit="recording"):
        try:
            heard.append(_hear(song, bundle))
        except ServiceError as error:
            unreadable.append(f"{song.audio.relative_to(folder)}: {error.detail}")
    if not heard:
        raise TrainingError(f"None of the recordings in {folder} can be decoded: {unreadable[0]}")
    return SongReport(
        model=bundle.card.task,
        version=bundle.card.version,
        recordings=len(heard),
        groups=len({one.song.group for one in heard}),
        duration_s=round(sum(one.duration_s for one in heard), 1),
        figures=_pooled(heard),
        unreadable=unreadable,
        rows=[_row(one, folder) for one in heard],
    )


def _hear(song: SongFile, bundle: Bundle) -> _Heard:
    clip = decode(song.audio.read_bytes(), needed_rates_hz([bundle]))
    answer = ask(bundle, clip)
    scores = score(song.chords, lab_annotation(answer)) | score_key(song.keys, answer.key)
    return _Heard(song, clip.duration_s, scores)


def _pooled(heard: Sequence[_Heard]) -> dict[str, Estimate]:
    return pool([one.scores for one in heard], [one.song.group for one in heard])


def _row(one: _Heard, folder: Path) -> SongRow:
    return SongRow(
        file=str(one.song.audio.relative_to(folder)),
        figures={
            name: round(figure.value, 4) for name, figure in one.scores.items() if figure.weight
        },
    )
