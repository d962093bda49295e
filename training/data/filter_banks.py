"""Filter banks as matrices, made once here and stored in the bundles."""

import numpy as np

from service.inference.features import FeatureSpec, FilterBank
from training.compiled import librosa
from training.data.readers import statistics

C2_HZ = 440 * 2 ** ((36 - 69) / 12)
BANDS_PER_OCTAVE = 36

MN04, BOTH_TEACHERS = "mn04", "both_teachers"
"""What larger networks hear: no spectrum, so no bank."""


def mel_bank(spec: FeatureSpec) -> FilterBank:
    """Return librosa's Slaney mel filters up to half the sampling rate, shape [bands, bins]."""
    bank = librosa.filters.mel(  # type: ignore[attr-defined]  # lazily loaded submodule
        sr=spec.sample_rate_hz, n_fft=spec.fft_samples, n_mels=spec.bands
    )
    return np.asarray(bank, dtype=np.float32)


def log_frequency_bank(spec: FeatureSpec) -> FilterBank:
    """Return triangular filters, three a semitone, the lowest at C2, shape [bands, bins].

    At low frequencies the FFT's bins lie further apart than the bands, so a filter is
    never narrower than one bin; every filter's weights sum to 1.
    """
    frequency_hz = librosa.core.fft_frequencies(sr=spec.sample_rate_hz, n_fft=spec.fft_samples)
    bin_hz = frequency_hz[1]
    centres_hz = C2_HZ * 2 ** (np.arange(spec.bands) / BANDS_PER_OCTAVE)
    step = 2 ** (1 / BANDS_PER_OCTAVE)
    half_widths_hz = np.maximum(centres_hz * (step - 1 / step) / 2, bin_hz)
    distance = np.abs(frequency_hz[None, :] - centres_hz[:, None])
    bank = np.clip(1 - distance / half_widths_hz[:, None], 0, None)
    bank /= bank.sum(axis=1, keepdims=True)
    return np.asarray(bank, dtype=np.float32)


def linear_bank(spec: FeatureSpec) -> FilterBank:
    """Return means over equally many neighbouring bins, shape [bands, bins].

    So a plain spectrogram keeps its linear frequencies at a size that a network can afford.
    The bin at half the sampling rate is left out.
    """
    bins_each = spec.fft_samples // 2 // spec.bands
    bank = np.repeat(np.eye(spec.bands), bins_each, axis=1) / bins_each
    missing = spec.fft_samples // 2 + 1 - bank.shape[1]
    return np.asarray(np.pad(bank, ((0, 0), (0, missing))), dtype=np.float32)


def chroma_bank(spec: FeatureSpec) -> FilterBank:
    """Return librosa's filters that fold all octaves onto pitch classes from C, [bands, bins]."""
    bank = librosa.filters.chroma(  # type: ignore[attr-defined]  # lazily loaded submodule
        sr=spec.sample_rate_hz, n_fft=spec.fft_samples, n_chroma=spec.bands
    )
    return np.asarray(bank, dtype=np.float32)


def no_bank(spec: FeatureSpec) -> FilterBank:
    """Return an empty bank for features that are read ready-made, shape [bands, 0]."""
    return np.zeros((spec.bands, 0), dtype=np.float32)


BANKS = {
    "log_mel": mel_bank,
    "log_frequency": log_frequency_bank,
    "stft": linear_bank,
    "chroma": chroma_bank,
    statistics.NAME: no_bank,
    statistics.OF_AUDIO: no_bank,
    MN04: no_bank,
    BOTH_TEACHERS: no_bank,
}


def make_bank(spec: FeatureSpec) -> FilterBank:
    """Return the filter bank that a specification names."""
    return BANKS[spec.name](spec)
