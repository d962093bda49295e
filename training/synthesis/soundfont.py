"""Render MIDI with the instruments of a SoundFont, by the program ``fluidsynth``.

The program renders at 44.1 kHz, where its interpolation of the sampled notes is clean;
the service's own decoder and resampler then mix to mono and change the rate.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import mido

from service.audio.decode import Samples, decode
from service.errors import ServiceError
from training.errors import TrainingError

PROGRAM = "fluidsynth"
RENDER_RATE_HZ = 44_100
TIMEOUT_S = 300.0


def require_fluidsynth(soundfont: Path) -> None:
    """Check that there is something to render with.

    Raises
    ------
    TrainingError
        The program is not installed, or the font does not exist.
    """
    if shutil.which(PROGRAM) is None:
        raise TrainingError(
            f"The program {PROGRAM} is not installed; on Debian: apt install {PROGRAM}."
        )
    if not soundfont.is_file():
        raise TrainingError(
            f"There is no SoundFont {soundfont}; on Debian, apt install timgm6mb-soundfont "
            "puts one under /usr/share/sounds/sf2."
        )


def render_midi(midi: mido.MidiFile, soundfont: Path, sample_rate_hz: int) -> Samples:
    """Return a MIDI file as a mono waveform, shape [n_samples].

    Parameters
    ----------
    midi
        What to play.
    soundfont
        An ``.sf2`` file with the instruments.
    sample_rate_hz
        Sampling rate of the result.

    Raises
    ------
    TrainingError
        The program or the font is missing, or the program fails.
    """
    require_fluidsynth(soundfont)
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "score.mid", Path(folder) / "sound.wav"
        midi.save(score)
        command = [PROGRAM, "-n", "-i", "-q", "-r", str(RENDER_RATE_HZ)]
        command += ["-T", "wav", "-F", str(sound), str(soundfont), str(score)]
        try:
            done = subprocess.run(  # noqa: S603  # the command is made of constants and paths
                command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise TrainingError(f"{PROGRAM} did not end within {TIMEOUT_S:.0f} s.") from error
        # It ends with 0 also when it cannot read the font, and then renders nothing or silence.
        complaints = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        if done.returncode != 0 or complaints or not sound.exists():
            reason = "; ".join(complaints) or f"exit code {done.returncode}"
            raise TrainingError(f"{PROGRAM} cannot render with {soundfont}: {reason}")
        try:
            return decode(sound.read_bytes(), [sample_rate_hz]).waveforms[sample_rate_hz]
        except ServiceError as error:
            raise TrainingError(f"{PROGRAM} rendered no sound: {error.detail}") from error
