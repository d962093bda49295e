"""Music classification service: audio in, genre, chord and emotion probabilities out.

The package needs nothing but the model bundles under ``models/``: it decodes an
upload (:mod:`service.audio.decode`), turns it into features (:mod:`service.inference.features`),
runs the networks (:mod:`service.inference.bundle`) and answers over HTTP (:mod:`service.app`).
The training job imports decode, features and windows from here, so what was
trained is what is served.
"""

import os

# onnxruntime reports its use to its maker unless told not to before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# Clips are classified side by side, one core each. NumPy's matrix products are too small to
# share: waiting for a busy second core made features 40 times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def __getattr__(name: str) -> str:
    # Only for who asks for it: what finds it takes 2 MB, and decoders' processes need no version.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("music-classification-service")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0.0.0"
