import struct

import numpy as np

from service.audio.decode import decode
from service.audio.w64 import with_own_codec
from tests.audio import RATE_HZ, encode, tone


def test_floats_of_an_extensible_w64_are_no_integers() -> None:
    plain = encode(tone(), container="W64", subtype="FLOAT")
    assert with_own_codec(plain) is plain
    form = plain.index(b"fmt ")
    extension = struct.pack("<HHIH", 22, 32, 0, 3) + bytes(14)
    extensible = plain[: form + 16] + struct.pack("<QH", 64, 0xFFFE) + plain[form + 26 : form + 40]
    data = extensible + extension + plain[plain.index(b"data") :]
    np.testing.assert_allclose(decode(data, [RATE_HZ]).waveforms[RATE_HZ], tone(), atol=1e-6)
