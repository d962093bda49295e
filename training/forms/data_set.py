"""Write labelled clips as a data set that other programs read: JSON, CSV or Parquet."""

import csv
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from service.audio.decode import Samples
from training.comparison.handcrafted import SAMPLE_RATE_HZ
from training.data.parallel import in_parallel
from training.data.readers import AudioFile, LabelledClip
from training.errors import TrainingError, UnreadableClip
from training.forms.segments import Described, describe, mfcc, segments

logger = logging.getLogger(__name__)

JSON_FILE = "data.json"
WHOLE_TABLE, PARTS_TABLE = "features_30_sec", "features_3_sec"
FORMATS = ("json", "csv", "parquet")

Row = dict[str, Any]


def write_data_set(
    clips: Sequence[LabelledClip], form: str, folder: Path, cluster: str | None = None
) -> list[Path]:
    """Write the features of clips; those that cannot be read are named in the log.

    Parameters
    ----------
    clips
        Labelled audio.
    form
        One of ``FORMATS``. JSON holds ``mapping`` (the labels), and one entry for each piece of
        3 s in ``labels`` (places in the mapping), ``mfcc`` ([frames][13]), ``files`` and
        ``groups``. The tables hold Kaggle's columns, one row a clip and one a piece; Parquet also
        data set, group and split.
    folder
        Where ``data.json``, or ``features_30_sec`` and ``features_3_sec``, go.
    cluster
        Address of a Dask scheduler; None for this machine.

    Raises
    ------
    TrainingError
        No clip is audio, or none can be read.
    """
    audio = [(clip, clip.source) for clip in clips if isinstance(clip.source, AudioFile)]
    if not audio:
        raise TrainingError(
            "Other forms are computed from audio, and the data hold none, only features. Give "
            "audio files."
        )
    compute = _mfccs if form == "json" else _statistics
    found = dict(_computed([source for _, source in audio], compute, cluster))
    if not found:
        raise TrainingError("None of the clips can be read; see the reasons above.")
    folder.mkdir(parents=True, exist_ok=True)
    done = [(clip, found[place]) for place, (clip, _) in enumerate(audio) if place in found]
    if form == "json":
        return [_write_json(done, folder / JSON_FILE)]
    whole = [_row(clip, clip.source.name, parts[0]) for clip, parts in done]
    pieces = [
        _row(clip, _numbered(clip.source.name, number), part)
        for clip, parts in done
        for number, part in enumerate(parts[1:])
    ]
    write = _write_csv if form == "csv" else _write_parquet
    return [
        write(rows, folder / f"{name}.{form}")
        for name, rows in ((WHOLE_TABLE, whole), (PARTS_TABLE, pieces))
    ]


def _mfccs(samples: Samples) -> list[Any]:
    return [mfcc(part).tolist() for part in segments(samples)]


def _statistics(samples: Samples) -> list[Any]:
    return [describe(part) for part in (samples, *segments(samples))]


def _computed(
    files: Sequence[AudioFile], compute: Callable[[Samples], list[Any]], cluster: str | None
) -> Iterator[tuple[int, list[Any]]]:
    """Yield the place of each readable file with what was computed of it, in any order."""
    items = list(enumerate(files))
    for (place, file), result in in_parallel(_of_file, items, compute, cluster=cluster):
        if isinstance(result, str):
            logger.warning("skipped %s: %s", file.name, result)
        else:
            yield place, result


def _of_file(
    item: tuple[int, AudioFile], compute: Callable[[Samples], list[Any]]
) -> list[Any] | str:
    try:
        return compute(item[1].samples(SAMPLE_RATE_HZ))
    except UnreadableClip as error:
        return str(error)


def _row(clip: LabelledClip, name: str, part: Described) -> Row:
    return {
        "filename": Path(name).name,
        "length": part.length,
        **part.values,
        "label": clip.label,
        "data_set": clip.data_set,
        "group": clip.group,
        "split": clip.split,
    }


def _numbered(name: str, number: int) -> str:
    """Return the name of a piece as Kaggle spells it: ``blues.00000.3.wav``."""
    path = Path(name)
    return f"{path.stem}.{number}{path.suffix}"


def _write_json(done: Sequence[tuple[LabelledClip, list[Any]]], file: Path) -> Path:
    mapping = sorted({clip.label for clip, _ in done})
    each = [(clip, part) for clip, parts in done for part in parts]
    data = {
        "mapping": mapping,
        "labels": [mapping.index(clip.label) for clip, _ in each],
        "mfcc": [part for _, part in each],
        "files": [Path(clip.source.name).name for clip, _ in each],
        "groups": [clip.group for clip, _ in each],
    }
    file.write_text(json.dumps(data, indent=None), "utf-8")
    return file


def _write_csv(rows: Sequence[Row], file: Path) -> Path:
    beyond_kaggle = ("data_set", "group", "split")
    columns = [name for name in rows[0] if name not in beyond_kaggle]
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return file


def _write_parquet(rows: Sequence[Row], file: Path) -> Path:
    # Only this form needs it, and it is slow to load.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file
