"""What the tests of reports share."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave pictures empty where nobody looks at them: painting is most of a report's work."""

    def touch(_: Figure, path: Path, **__: object) -> None:
        path.touch()

    monkeypatch.setattr(Figure, "savefig", touch)
