"""What kind of sound a stream is, is said as of a clip."""

import json
from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import clip_of
from service.inference.bundle import Bundle
from service.inference.classification import Classification, classify
from service.streaming.answers import answer_json
from service.streaming.session import Heard, Session
from tests.audio import Waveform, tone
from tests.bundles import GENRES, SAMPLE_RATE_HZ, band_centre_hz, edit_card, write_bundle
from tests.service.streaming.said import START, floats, pieces

MUSIC, SPEECH = 1, 2  # the bands that stand for them


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    folder = write_bundle(tmp_path / "genre", embedding_gain=20.0, uncertain_below=0.0)
    kinds = {"labels": ["music", "speech", "noise"], "uncertain_below": 0.5, "fitted_on": "x"}
    edit_card(folder, kinds=kinds)
    return Bundle.load(folder)


def sound(band: int, duration_s: float) -> Waveform:
    return tone(band_centre_hz(band, len(GENRES)), duration_s, rate_hz=SAMPLE_RATE_HZ)


def heard(bundle: Bundle, samples: Waveform) -> Heard:
    """Return the last answer to a stream."""
    session = Session(START, {"genre": bundle})
    for piece in pieces(floats(samples), 3_000):
        session.hear(piece)
    return session.finish()


def stream(bundle: Bundle, samples: Waveform) -> tuple[Classification, Classification]:
    """Return what is said of the end of a stream, and of all of it."""
    said = heard(bundle, samples)
    return said.now["genre"], said.so_far["genre"]


def test_all_of_a_stream_is_of_the_kinds_that_the_clip_is(bundle: Bundle) -> None:
    samples = np.concatenate([sound(MUSIC, 3.0), sound(SPEECH, 2.0)])
    clip = clip_of(samples, SAMPLE_RATE_HZ, [SAMPLE_RATE_HZ])

    _, so_far = stream(bundle, samples)

    assert so_far.kinds == pytest.approx(classify(clip, {"it": bundle})["it"].kinds, abs=1e-3)


def test_speech_after_music_is_uncertain_now_and_not_so_far(bundle: Bundle) -> None:
    now, so_far = stream(bundle, np.concatenate([sound(MUSIC, 4.0), sound(SPEECH, 2.0)]))

    assert now.heard_instead == "speech"
    assert now.uncertain
    assert so_far.heard_instead is None
    assert not so_far.uncertain


def test_clients_are_told_what_is_heard_where_it_is_no_music(bundle: Bundle) -> None:
    silence = np.zeros(4 * SAMPLE_RATE_HZ, np.float32)
    said = heard(bundle, np.concatenate([sound(SPEECH, 1.0), silence]))

    message = json.loads(answer_json(said, "genre", final=True))

    assert message["now"]["heard_instead"] == "silence"
    assert message["so_far"]["heard_instead"] == "speech"
    music = json.loads(answer_json(heard(bundle, sound(MUSIC, 1.0)), "genre", final=True))
    assert "heard_instead" not in music["now"]
