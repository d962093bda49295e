"""What defines a feature grid: it travels in the model bundle, as does the filter bank."""

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Grid = NDArray[np.float32]  # [frames, bands]
FilterBank = NDArray[np.float32]  # [bands, fft_samples // 2 + 1]


class FeatureSpec(BaseModel):
    """Everything that defines a feature grid, apart from the filter bank's numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="What the bands are, for people: log_mel, log_frequency, …")
    sample_rate_hz: int = Field(gt=0, description="The waveform is resampled to this rate")
    fft_samples: int = Field(gt=0, description="Length of the FFT and of its periodic Hann window")
    hop_samples: int = Field(gt=0, description="Distance between frame centres; the first is at 0")
    bands: int = Field(gt=0, description="Rows of the filter bank")
    spectrum: Literal["magnitude", "power"] = Field(description="What the filter bank weighs")
    range_db: float = Field(
        gt=0, description="Levels from this far below the reference up to it map to 0…1"
    )
    reference_power: float | None = Field(
        default=None, gt=0, description="What maps to 1; by default the clip's loudest band"
    )
    loudness_lufs: float | None = Field(
        default=None,
        description="Gated loudness (ITU-R BS.1770) to which a clip is brought, its offset "
        "removed; by default it stays as it is",
    )

    @model_validator(mode="after")
    def _loudness_counts(self) -> Self:
        if self.loudness_lufs is not None and self.reference_power is None:
            raise ValueError(
                "loudness_lufs needs a reference_power: levels relative to the clip's loudest band "
                "are the same at every loudness"
            )
        return self

    @property
    def hop_s(self) -> float:
        """Distance between frames in seconds."""
        return self.hop_samples / self.sample_rate_hz
