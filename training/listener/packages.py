"""Free music in Debian packages, for a student that listens without labels.

Games bring hours of it, of every kind from folk to metal, and a registry that anybody can
ask. Packages are downloaded with ``apt-get`` and unpacked into a folder, not installed.
"""

import logging
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from training.errors import TrainingError

logger = logging.getLogger(__name__)

MUSIC_PACKAGES = {
    "asc-music": "1.3-6",
    "colobot-common-sounds": "0.2.0-2",
    "drascula-music": "1.0+ds4-2",
    "endless-sky-data": "0.9.8-1.2",
    "extremetuxracer-data": "0.8.2-1",
    "fillets-ng-data": "1.0.1-1.1",
    "flare-game": "1.14-1",
    "freecol": "1.0.0-1",
    "freedroidrpg-data": "1.0-1",
    "freeorion-data": "0.4.10.2-1",
    "fretsonfire-songs-muldjord": "2.dfsg-2.1",
    "fretsonfire-songs-sectoid": "1.dfsg-3.1",
    "frozen-bubble-data": "2.212-11",
    "hedgewars-data": "1.0.2-6",
    "hyperrogue-music": "12.0q-1",
    "lugaru-data": "1.2-6",
    "naev-data": "0.8.2-1",
    "nexuiz-music": "2.5.2-12",
    "openclonk-data": "8.1-3",
    "planetblupi-music-ogg": "1.14.2-3",
    "singularity-music": "007-2",
    "supertux-data": "0.6.3-2",
    "supertuxkart-data": "1.4+dfsg-2",
    "ufoai-music": "2.5-2",
    "unknown-horizons": "2019.1-6",
    "warmux-data": "1:11.04.1+repack2-4",
    "warzone2100-music": "4.3.3-3",
    "wesnoth-1.16-music": "1:1.16.9-1",
    "widelands-data": "2:1.1-3",
    "xmoto-data": "0.6.1+repack-9",
}
"""Debian 12's names and the versions that were listened to; other versions do as well."""

SPEECH_PACKAGES = {"asterisk-core-sounds-en-wav": "1.6.1-1"}

NOISE_FOLDERS = {
    "colobot-common-sounds": "games/colobot/sounds",
    "endless-sky-data": "games/endless-sky/sounds",
    "flare-game": "games/flare/mods/fantasycore/soundfx",
    "freedroidrpg-data": "freedroidrpg/data/sound/effects",
    "hedgewars-data": "games/hedgewars/Data/Sounds",
    "lugaru-data": "games/lugaru/Sounds",
    "naev-data": "naev/dat/snd/sounds",
    "supertux-data": "games/supertux2/sounds",
    "supertuxkart-data": "games/supertuxkart/data/sfx",
    "warmux-data": "games/warmux/sound/default/weapons",
    "widelands-data": "games/widelands/data/sound",
}
"""Where under ``usr/share`` games keep steps, animals, engines, water, blows and bangs."""

_SPOKEN = ("voice", "comment")

AUDIO_SUFFIXES = frozenset({".ogg", ".oga", ".mp3", ".flac", ".wav", ".opus"})
_ARCHIVE_SUFFIXES = frozenset({".pk3", ".zip"})
_DONE = ".complete"


def fetch(folder: Path) -> list[str]:
    """Download and unpack the packages that are not there yet; return those that could not be.

    Raises
    ------
    TrainingError
        This machine has no ``apt-get`` or ``dpkg-deb``.
    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise TrainingError(
                f"The music packages need {program}, so Debian or a system made of it. Unpack them "
                f"elsewhere into {folder}, each in a folder of its name, or go without."
            )
    folder.mkdir(parents=True, exist_ok=True)
    return [
        package
        for package in tqdm([*MUSIC_PACKAGES, *SPEECH_PACKAGES], desc="packages", unit="package")
        if not ((folder / package / _DONE).exists() or _fetch_one(package, folder))
    ]


def recordings(folder: Path) -> Iterator[Path]:
    """Yield the audio files of an unpacked package, also those in archives, in a fixed order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.suffix.lower() in AUDIO_SUFFIXES:
            yield path


def noises(folder: Path, package: str) -> Iterator[Path]:
    """Yield what an unpacked package has of noises, without what is spoken."""
    effects = folder / package / "usr" / "share" / NOISE_FOLDERS[package]
    for path in recordings(effects):
        if not any(word in str(path.relative_to(effects)) for word in _SPOKEN):
            yield path


def _fetch_one(package: str, folder: Path) -> bool:
    target = folder / package
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    try:
        _run("apt-get", "download", "-q", package, folder=target)
        (archive,) = target.glob("*.deb")
        _run("dpkg-deb", "--extract", archive.name, ".", folder=target)
    except (subprocess.CalledProcessError, ValueError) as error:
        logger.warning("%s could not be fetched: %s", package, error)
        return False
    archive.unlink()
    _open_archives(target)
    (target / _DONE).touch()
    return True


def _run(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603  # fixed names


def _open_archives(folder: Path) -> None:
    """Unpack the music of archives inside a package, in which some games keep it."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _ARCHIVE_SUFFIXES and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if Path(name).suffix.lower() in AUDIO_SUFFIXES:
                        archive.extract(name, path.with_suffix(".unpacked"))
