"""What sounds when, and most, is said of a stream as of a clip."""

from collections.abc import Sequence

import numpy as np
import pytest

from service.audio.decode import clip_of
from service.inference.bundle import Bundle
from service.inference.classification import Classification, classify
from service.streaming.ears import NOW_S
from service.streaming.protocol import StreamStart
from service.streaming.session import Session
from tests.audio import Waveform, tone
from tests.bundles import CHORDS, SAMPLE_RATE_HZ, band_centre_hz, edit_card, write_bundle
from tests.service.streaming.said import START, floats, pieces

N = CHORDS.index("N")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle that joins its windows."""
    folder = tmp_path_factory.mktemp("joined") / "chord"
    write_bundle(folder, labels=CHORDS, frames=40, stride_frames=20)
    own = {"change_probability": 0.3, "heard_frames": 16, "stride_frames": 10}
    calibration = {"temperature": 2.0, "uncertain_below": 0.5, "fitted_on": "nothing"}
    lengths = [{"heard_s": 0.1, "temperature": 8.0}, {"heard_s": 4.0, "temperature": 1.0}]
    edit_card(folder, timeline=own, calibration=calibration | {"by_length": lengths})
    return Bundle.load(folder)


def progression(labels: Sequence[int], lengths_s: Sequence[float]) -> Waveform:
    return np.concatenate(
        [
            tone(band_centre_hz(label, len(CHORDS)), seconds, rate_hz=SAMPLE_RATE_HZ)
            for label, seconds in zip(labels, lengths_s, strict=True)
        ]
    )


def stream(bundle: Bundle, samples: Waveform, start: StreamStart = START) -> Classification:
    session = Session(start, {"chord": bundle})
    for piece in pieces(floats(samples), 3_000):
        session.hear(piece)
    return session.finish().so_far["chord"]


def upload(bundle: Bundle, samples: Waveform) -> Classification:
    clip = clip_of(samples, SAMPLE_RATE_HZ, [SAMPLE_RATE_HZ])
    return classify(clip, {"chord": bundle})["chord"]


def shares(answer: Classification) -> dict[str, float]:
    assert answer.shares is not None
    return {CHORDS[share.label]: share.share for share in answer.shares}


@pytest.mark.parametrize("settled", [16, 32])
@pytest.mark.parametrize(
    ("labels", "lengths_s"),
    [
        ([0], [3.0]),
        ([0], [0.1]),
        ([1, 2], [2.0, 3.0]),
        ([N, 1, N], [4.0, 2.0, 3.0]),
        ([0, 1, 0, 2, 0, N, 4], [1.5, 2.0, 1.5, 2.5, 1.5, 3.0, 1.0]),
    ],
)
def test_a_stream_is_answered_as_the_clip(
    bundle: Bundle,
    labels: list[int],
    lengths_s: list[float],
    settled: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.streaming.joined.SETTLED_WINDOWS", settled)
    samples = progression(labels, lengths_s)
    live, whole = stream(bundle, samples), upload(bundle, samples)
    assert live.label == whole.label
    np.testing.assert_allclose(live.probabilities, whole.probabilities, atol=0.05)
    assert shares(live) == pytest.approx(shares(whole), abs=0.02)
    assert sum(shares(live).values()) == pytest.approx(1)


def test_what_sounds_now_is_told_as_surely_as_a_clip_of_a_moment(bundle: Bundle) -> None:
    samples = progression([0], [3.0])
    session = Session(START, {"chord": bundle})
    session.hear(floats(samples))
    now = session.finish().now["chord"]
    moment = upload(bundle, samples[: round(NOW_S * SAMPLE_RATE_HZ)])
    np.testing.assert_allclose(now.probabilities, moment.probabilities, atol=0.02)


def test_nothing_at_all_has_an_answer_too(bundle: Bundle) -> None:
    live = stream(bundle, np.zeros(0, np.float32))
    assert live.silent
    assert sum(shares(live).values()) == pytest.approx(1)


def test_only_what_was_heard_lately_is_remembered(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.streaming.joined.SETTLED_WINDOWS", 4)
    monkeypatch.setattr("service.streaming.joined.REMEMBERED_S", 5.0)
    live = stream(bundle, progression([0, 2], [12.0, 9.0]))
    assert live.label == CHORDS[2]
    assert shares(live)[CHORDS[2]] > 0.9
