"""Hand-crafted statistics of a recording: those of the Kaggle GTZAN set, and two more kinds.

The first 57 numbers are the columns of ``features_30_sec.csv``, in its order and with its
settings (librosa's own: 22,050 Hz, FFT of 2,048 samples, hop of 512): mean and variance over
the frames of chroma, loudness, spectral centroid, bandwidth and roll-off, zero crossings, of
the waveform's harmonic and percussive part, the tempo, and mean and variance of 20 MFCCs.
Spectral contrast and tonnetz (the tonal centroids of Harte, Sandler and Gasser 2006) follow.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from service.audio.decode import Samples
from service.inference.features import FeatureSpec, FilterBank, Grid
from training.compiled import librosa
from training.data.readers.statistics import OF_AUDIO, compress

SAMPLE_RATE_HZ = 22_050
FFT_SAMPLES = 2_048
HOP_SAMPLES = 512
N_MFCC = 20
MEDIAN_FRAMES = 31  # librosa's own length of the filters that part harmonic from percussive
N_STATISTICS = 83

Array = NDArray[np.float32]

# Frames of the spectra below; what the bands are, only `statistics` says.
SPEC = FeatureSpec(
    name=OF_AUDIO,
    sample_rate_hz=SAMPLE_RATE_HZ,
    fft_samples=FFT_SAMPLES,
    hop_samples=HOP_SAMPLES,
    bands=N_STATISTICS,
    spectrum="power",
    range_db=80.0,
)


def statistics_grid(samples: Samples, spec: FeatureSpec, bank: FilterBank) -> Grid:  # noqa: ARG001
    """Return the statistics of a waveform, shape [1, 83], compressed as those of the Kaggle set."""
    return compress(np.array([list(statistics(samples).values())]))


def statistics(samples: Samples) -> dict[str, float]:
    """Compute the statistics of a waveform at 22,050 Hz, by name; all 0 for silence."""
    samples = np.pad(samples, (0, max(0, FFT_SAMPLES - len(samples))))
    transform = librosa.stft(samples, n_fft=FFT_SAMPLES, hop_length=HOP_SAMPLES)
    magnitude = np.abs(transform)
    mel = librosa.feature.melspectrogram(S=magnitude**2, sr=SAMPLE_RATE_HZ)
    level_db = librosa.power_to_db(mel)
    silent = not magnitude.any()
    chroma = librosa.feature.chroma_stft(
        S=magnitude**2, sr=SAMPLE_RATE_HZ, tuning=0.0 if silent else None
    )
    harmonic, percussive = _parts(transform, magnitude)
    series = {
        "chroma_stft": chroma,
        "rms": librosa.feature.rms(y=samples),
        "spectral_centroid": librosa.feature.spectral_centroid(S=magnitude, sr=SAMPLE_RATE_HZ),
        "spectral_bandwidth": librosa.feature.spectral_bandwidth(S=magnitude, sr=SAMPLE_RATE_HZ),
        "rolloff": librosa.feature.spectral_rolloff(S=magnitude, sr=SAMPLE_RATE_HZ),
        "zero_crossing_rate": librosa.feature.zero_crossing_rate(samples),
        "harmony": harmonic,
        "perceptr": percussive,
    }
    found = _mean_and_variance(series)
    found["tempo"] = _tempo(level_db)
    cepstrum = librosa.feature.mfcc(S=level_db, n_mfcc=N_MFCC)
    contrast = librosa.feature.spectral_contrast(S=magnitude, sr=SAMPLE_RATE_HZ)
    tonnetz = librosa.feature.tonnetz(chroma=chroma)
    for name, rows in (("mfcc", cepstrum), ("contrast", contrast), ("tonnetz", tonnetz)):
        found |= _mean_and_variance({f"{name}{n + 1}": row for n, row in enumerate(rows)})
    return dict.fromkeys(found, 0.0) if silent else found


def _mean_and_variance(series: dict[str, Array]) -> dict[str, float]:
    return {
        f"{name}_{figure}": float(value)
        for name, values in series.items()
        for figure, value in (("mean", np.mean(values)), ("var", np.var(values)))
    }


def _tempo(level_db: Array) -> float:
    """Return the beats a minute, as librosa's beat tracker estimates them."""
    onsets = librosa.onset.onset_strength(  # type: ignore[attr-defined]  # lazily loaded submodule
        S=level_db, sr=SAMPLE_RATE_HZ, aggregate=np.median
    )
    if not onsets.any():
        return 0.0
    return float(librosa.feature.tempo(onset_envelope=onsets, sr=SAMPLE_RATE_HZ)[0])


def _parts(transform: NDArray[np.complex64], magnitude: Array) -> tuple[Samples, Samples]:
    """Part a waveform into harmonic and percussive as ``librosa.effects.hpss`` does."""
    along_time = _median_along_rows(magnitude)
    along_frequency = _median_along_rows(magnitude.T).T
    harmonic, percussive = (
        librosa.istft(
            transform * librosa.util.softmask(own, other, power=2), hop_length=HOP_SAMPLES
        )
        for own, other in ((along_time, along_frequency), (along_frequency, along_time))
    )
    return harmonic, percussive


def _median_along_rows(values: Array) -> Array:
    """Return the running median of each row; one long row is filtered ten times faster."""
    half = MEDIAN_FRAMES // 2
    padded = np.pad(values, ((0, 0), (half, half)), mode="symmetric")
    filtered: Array = median_filter(padded.ravel(), MEDIAN_FRAMES).reshape(padded.shape)
    return filtered[:, half:-half]
