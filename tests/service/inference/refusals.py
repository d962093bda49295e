"""Why a bundle is not loaded."""

from pathlib import Path

import pytest

from service.errors import BundleError
from service.inference.bundle import Bundle

CONTEXT_RATE_HZ = 11_025
"""Of what the context of a bundle hears."""


def refusal(folder: Path) -> str:
    """Return what is said of a bundle that must be refused."""
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    return str(caught.value)
