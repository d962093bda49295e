import errno
from pathlib import Path
from typing import IO, Any

import keras
import numpy as np
import pytest

from tests.training.fitting.toy import NO_TEACHER
from tests.training.tiny import TOY
from training.fitting.callbacks import KeepState
from training.fitting.losses import compile_network


@pytest.fixture
def network() -> keras.Model:
    """A network that is ready to learn."""
    made = TOY.build(0)
    compile_network(made, TOY.fit, NO_TEACHER)
    made.optimizer.build(made.trainable_variables)
    return made


def test_a_full_disk_leaves_what_was_kept_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: keras.Model
) -> None:
    keep = KeepState(tmp_path / "fold" / "state.npz")
    keep.set_model(network)
    assert keep.restore(network) == 0
    keep.on_epoch_end(0)
    first = network.get_weights()
    network.set_weights([weight + 1 for weight in first])
    network.optimizer.iterations.assign(8)

    def until_full(file: IO[bytes], *_: object, **__: Any) -> None:
        file.write(b"PK")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", until_full)
    with pytest.raises(OSError, match="No space left"):
        keep.on_epoch_end(1)

    assert keep.restore(network) == 1
    for weight, before in zip(network.get_weights(), first, strict=True):
        np.testing.assert_array_equal(weight, before)
    assert int(network.optimizer.iterations) == 0
