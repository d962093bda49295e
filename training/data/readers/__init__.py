"""Read labelled data in every layout that people have, into one list of clips.

:func:`read_data_set` recognises the layout of a path:

- a CSV with the columns ``file`` and the task's name (``genre``, ``chord``, ``emotion``),
  and, if there are any, ``dataset``, ``group`` and ``split``;
- an ``.npz`` of ready grids with ``mel``, ``genre``, ``name`` and, if there are any,
  ``split`` and ``group``;
- a folder that holds such files under the names ``genre.csv``, ``chord.csv``,
  ``emotion.csv`` and ``gtzan_mel.npz``;
- ``features_30_sec.csv`` or ``features_3_sec.csv`` of hand-crafted features;
- GTZAN: ``genres_original/<genre>/<genre>.NNNNN.wav``;
- its pictures: ``images_original/<genre>/<genre>NNNNN.png``;
- guitar-chords-v3: ``Training|Test/<chord>/*.wav``;
- musical-emotions-classification: ``Train.csv`` with a file and Happy or Sad;
- folders named after labels: ``<label>/*`` or ``<label>/<group>/*``, of audio.
"""

from training.data.readers.clips import AudioFile, LabelledClip, SpectrogramImage, StoredGrid
from training.data.readers.layouts import read_data_set, read_data_sets

__all__ = [
    "AudioFile",
    "LabelledClip",
    "SpectrogramImage",
    "StoredGrid",
    "read_data_set",
    "read_data_sets",
]
