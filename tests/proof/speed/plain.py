"""The plain way to serve a model, to compare with: ``python -m tests.proof.speed.plain PORT``.

Decoded and resampled by librosa, its mel spectrogram, windows of three seconds, a Keras network
run by TensorFlow, all in an endpoint of FastAPI: what most projects of this kind do. The weights
are chance: what it says does not matter here.
"""

import io
import sys

import keras
import librosa
import numpy as np
import uvicorn
from fastapi import FastAPI, UploadFile

RATE_HZ, BANDS, WINDOW_FRAMES, LABELS = 22_050, 128, 130, 10


def network() -> keras.Model:
    """Return three convolutions with pooling and two dense layers."""
    layers: list[keras.Layer] = [keras.Input((BANDS, WINDOW_FRAMES, 1))]
    for filters in (32, 64, 128):
        layers += [keras.layers.Conv2D(filters, 3, activation="relu"), keras.layers.MaxPool2D()]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(64, activation="relu")]
    return keras.Sequential([*layers, keras.layers.Dense(LABELS, activation="softmax")])


def create_app() -> FastAPI:
    """Return the application, warm."""
    app, model = FastAPI(), network()
    model.predict(np.zeros((1, BANDS, WINDOW_FRAMES, 1)), verbose=0)

    @app.post("/classify")
    def classify(file: UploadFile) -> dict[str, list[float]]:
        samples, _ = librosa.load(io.BytesIO(file.file.read()), sr=RATE_HZ)
        mel = librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=RATE_HZ))
        starts = range(0, mel.shape[1] - WINDOW_FRAMES + 1, WINDOW_FRAMES)
        windows = np.stack([mel[:, start : start + WINDOW_FRAMES, None] for start in starts])
        return {"probabilities": model.predict(windows, verbose=0).mean(axis=0).tolist()}

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(), port=int(sys.argv[1]), log_level="warning")
