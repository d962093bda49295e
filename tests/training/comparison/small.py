"""Systems that train in a second, in place of the real ones."""

import keras
import pytest

from tests.training.tiny import TOY, averaging_net, unchanged
from training.comparison import systems
from training.comparison.features import FEATURES, Features
from training.comparison.systems import Model


def _build(features: Features, labels: int) -> keras.Model:
    return averaging_net(features.windows.frames, features.spec.bands, labels)


def use_small_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave ``cnn`` and ``lstm`` on log_mel: both are linear and see the features of ``TOY``."""
    models = {name: Model(_build, ("log_mel",), TOY.fit) for name in ("cnn", "lstm")}
    monkeypatch.setattr(systems, "MODELS", models)
    features = Features(TOY.inputs.features, TOY.inputs.windows, unchanged)
    monkeypatch.setitem(FEATURES, "log_mel", features)
