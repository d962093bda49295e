"""A stream is answered as the same audio in a file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import clip_of
from service.inference.bundle import Bundle, Embedding, Logits
from service.inference.card import LengthCalibration
from service.inference.classification import Classification, classify
from service.inference.grids import needed_rates_hz
from service.streaming.ears import NOW_S
from service.streaming.protocol import ANSWER_S, StreamStart
from service.streaming.session import Heard, Session
from tests.audio import Waveform, noise, tone
from tests.bundles import (
    CHORDS,
    GENRES,
    SAMPLE_RATE_HZ,
    band_centre_hz,
    edit_card,
    write_bundle,
)
from tests.service.streaming.said import START, floats, integers, pieces


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    """Bundles that share an embedding, have a context and ratings, or neither."""
    folder = tmp_path_factory.mktemp("bundles")
    write_bundle(folder / "genre", labels=GENRES, embedding_gain=0.5)
    write_bundle(
        folder / "emotion",
        labels=GENRES,
        embedding_gain=0.5,
        context_rate_hz=11_025,
        rating_bands={"energy": 1},
    )
    write_bundle(folder / "chord", labels=CHORDS, sample_rate_hz=11_025, frames=16, stride_frames=5)
    return {task: Bundle.load(folder / task) for task in ("genre", "emotion", "chord")}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle whose timeline follows changes."""
    folder = write_bundle(tmp_path_factory.mktemp("quick") / "chord", labels=CHORDS, frames=64)
    edit_card(folder, timeline={"change_probability": 0.5, "heard_frames": 16})
    return Bundle.load(folder)


def song(duration_s: float) -> Waveform:
    """Return a changing sound, as loud in each of its seconds."""
    n = round(duration_s * SAMPLE_RATE_HZ)
    sound = noise(duration_s, rate_hz=SAMPLE_RATE_HZ, amplitude=0.05)
    for second in range(int(duration_s) + 1):
        part = slice(second * SAMPLE_RATE_HZ, min((second + 1) * SAMPLE_RATE_HZ, n))
        pitch = tone(500 + 700 * (second % 4), 1.0, rate_hz=SAMPLE_RATE_HZ)
        sound[part] += pitch[: len(sound[part])]
    return sound


def hear(
    bundles: Mapping[str, Bundle], data: bytes, size: int, start: StreamStart = START
) -> tuple[list[Heard], Heard]:
    session = Session(start, bundles)
    answers = [session.hear(piece) for piece in pieces(data, size)]
    return [answer for answer in answers if answer is not None], session.finish()


def upload(bundles: Mapping[str, Bundle], samples: Waveform) -> dict[str, Classification]:
    rates_hz = needed_rates_hz(bundles.values())
    return classify(clip_of(samples, SAMPLE_RATE_HZ, rates_hz), bundles)


@pytest.mark.parametrize("duration_s", [0.0, 0.1, 0.4, 1.0, 3.3, 12.0])
def test_the_last_answer_is_that_of_the_whole_clip(
    bundles: dict[str, Bundle], duration_s: float
) -> None:
    samples = song(duration_s)
    _, final = hear(bundles, floats(samples), 1000)
    whole = upload(bundles, samples)
    assert final.heard_s == pytest.approx(duration_s)
    for task, answer in final.so_far.items():
        np.testing.assert_allclose(answer.probabilities, whole[task].probabilities, atol=0.02)
        np.testing.assert_allclose(answer.ratings, whole[task].ratings, atol=0.02)
        assert answer.silent == whole[task].silent


def test_each_answer_so_far_is_that_of_what_was_heard(bundles: dict[str, Bundle]) -> None:
    samples = song(5.0)
    # The context of the third is so sensitive that a last frame in silence counts.
    steady = {task: bundles[task] for task in ("genre", "chord")}
    answers, _ = hear(steady, floats(samples), 4 * SAMPLE_RATE_HZ // 10)
    assert len(answers) == 10
    for answer in answers[3:]:
        n_heard = round(answer.heard_s * SAMPLE_RATE_HZ)
        for task, whole in upload(steady, samples[:n_heard]).items():
            # A clip ends in silence, a stream has not ended yet.
            np.testing.assert_allclose(
                answer.so_far[task].probabilities, whole.probabilities, atol=0.1
            )


def test_an_answer_comes_for_each_half_second_of_audio(bundles: dict[str, Bundle]) -> None:
    data = integers(song(3.2))
    start = StreamStart(sample_rate_hz=SAMPLE_RATE_HZ, channels=1, encoding="pcm_s16le")
    for size in (2, 333, SAMPLE_RATE_HZ):
        session = Session(start, bundles)
        heard_s = []
        while data_left := data[round(session.heard_s * SAMPLE_RATE_HZ) * 2 :]:
            answer = session.hear(data_left[: min(size * 10, session.due_bytes)])
            heard_s += [answer.heard_s] if answer else []
        assert heard_s == pytest.approx([ANSWER_S * n for n in range(1, 7)])


def test_now_tells_the_last_seconds_only(bundles: dict[str, Bundle]) -> None:
    first, second = (band_centre_hz(k, len(GENRES)) for k in (0, 3))
    samples = np.concatenate([tone(f, 4.0, rate_hz=SAMPLE_RATE_HZ) for f in (first, second)])
    _, final = hear({"genre": bundles["genre"]}, floats(samples[: 7 * SAMPLE_RATE_HZ]), 1000)
    assert final.now["genre"].label == GENRES[3]
    assert final.so_far["genre"].label == GENRES[0]


def test_silence_is_uncertain_and_so_is_what_was_silent_lately(bundles: dict[str, Bundle]) -> None:
    sound = tone(band_centre_hz(1, len(GENRES)), 2.0, rate_hz=SAMPLE_RATE_HZ)
    silence = np.zeros(4 * SAMPLE_RATE_HZ, np.float32)
    _, final = hear(bundles, floats(silence), 1000)
    assert all(answer.silent and answer.uncertain for answer in final.so_far.values())
    _, final = hear(bundles, floats(np.concatenate([sound, silence])), 1000)
    assert all(answer.silent for answer in final.now.values())
    assert not any(answer.silent for answer in final.so_far.values())


@pytest.mark.parametrize(
    ("tasks", "open_windows"),
    [(("genre", "emotion"), 256), (("genre",), 1)],
    ids=["open", "closed"],
)
@pytest.mark.parametrize("pause_db", [-200, -60])
def test_pauses_do_not_count_as_in_a_clip(
    bundles: dict[str, Bundle],
    monkeypatch: pytest.MonkeyPatch,
    tasks: tuple[str, ...],
    open_windows: int,
    pause_db: int,
) -> None:
    monkeypatch.setattr("service.streaming.task.OPEN_WINDOWS", open_windows)
    sound = tone(band_centre_hz(1, len(GENRES)), 2.0, rate_hz=SAMPLE_RATE_HZ)
    pause = noise(5.0, rate_hz=SAMPLE_RATE_HZ) * np.float32(10 ** (pause_db / 20))
    samples = np.concatenate([sound, pause, sound, pause])
    asked = {task: bundles[task] for task in tasks}
    _, final = hear(asked, floats(samples), 1000)
    for task, whole in upload(asked, samples).items():
        answer = final.so_far[task]
        np.testing.assert_allclose(answer.probabilities, whole.probabilities, atol=0.05)
        np.testing.assert_allclose(answer.ratings, whole.ratings, atol=0.05)


def test_what_is_repeated_at_first_is_what_sounds(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "genre", labels=GENRES, frames=64))
    windows = bundle.card.windows.model_copy(update={"short": "repeat"})
    lengths = [LengthCalibration(heard_s=s, temperature=t) for s, t in ((0.2, 4), (1.0, 1))]
    calibration = bundle.card.calibration.model_copy(update={"by_length": lengths})
    of_card = {"windows": windows, "calibration": calibration}
    bundle.card = bundle.card.model_copy(update=of_card)
    repeating = {"genre": bundle}
    sound = tone(band_centre_hz(1, len(GENRES)), 0.3, rate_hz=SAMPLE_RATE_HZ)
    samples = np.concatenate([np.zeros(SAMPLE_RATE_HZ // 3, np.float32), sound])
    _, final = hear(repeating, floats(samples), 1000)
    alone = upload(repeating, sound)["genre"].probabilities
    for answer in (final.so_far["genre"], final.now["genre"], upload(repeating, samples)["genre"]):
        np.testing.assert_allclose(answer.probabilities, alone, atol=0.05)


def test_quiet_noise_before_the_music_counts_only_until_that_begins(
    bundles: dict[str, Bundle],
) -> None:
    hum = tone(band_centre_hz(3, len(GENRES)), 4.0, rate_hz=SAMPLE_RATE_HZ) / 1000
    sound = tone(band_centre_hz(1, len(GENRES)), 2.0, rate_hz=SAMPLE_RATE_HZ)
    samples = np.concatenate([hum, sound])
    answers, final = hear(bundles, floats(samples), SAMPLE_RATE_HZ)
    assert [a.so_far["genre"].label for a in (answers[3], final)] == [GENRES[3], GENRES[1]]
    # In a context, too; those of a stream begin elsewhere than those of a clip.
    whole = upload(bundles, samples)["emotion"].probabilities
    np.testing.assert_allclose(final.so_far["emotion"].probabilities, whole, atol=0.15)


def test_nothing_at_all_has_an_answer_too(bundles: dict[str, Bundle]) -> None:
    _, final = hear(bundles, b"", 1)
    assert final.heard_s == 0
    assert all(answer.silent for answer in final.so_far.values())


def test_a_change_is_told_at_once(quick: Bundle) -> None:
    changes_s = [1.2, 2.3, 3.7]
    pitches = [0, 2, 1, 4]
    lengths_s = np.diff([0, *changes_s, 5.0])
    samples = np.concatenate(
        [
            tone(band_centre_hz(k, len(CHORDS)), s, rate_hz=SAMPLE_RATE_HZ)
            for k, s in zip(pitches, lengths_s, strict=True)
        ]
    )
    answers, _ = hear({"chord": quick}, floats(samples), 4 * SAMPLE_RATE_HZ // 50)
    labels = [(answer.heard_s, answer.now["chord"].label) for answer in answers]
    for change_s, pitch in zip(changes_s, pitches[1:], strict=True):
        told_s = next(at_s for at_s, label in labels if at_s > change_s and label == CHORDS[pitch])
        assert told_s - change_s < NOW_S
    at_s = np.array([0.0, *(at for at, _ in labels)])
    assert np.diff(at_s).max() <= ANSWER_S + 0.02
    assert len(labels) <= 10 + len(changes_s)


def test_a_moment_that_sounds_otherwise_is_passed_over(quick: Bundle) -> None:
    chord, other = (
        tone(band_centre_hz(k, len(CHORDS)), 2.0, rate_hz=SAMPLE_RATE_HZ) for k in (0, 3)
    )
    chord[SAMPLE_RATE_HZ : SAMPLE_RATE_HZ + 200] = other[:200]
    answers, _ = hear({"chord": quick}, floats(chord), 400)
    assert {answer.now["chord"].label for answer in answers} == {CHORDS[0]}


def test_much_at_once_is_heard_as_well(quick: Bundle, bundles: dict[str, Bundle]) -> None:
    samples = song(6.0)
    both = {**bundles, "quick": quick}
    _, at_once = hear(both, floats(samples), 10**9)
    _, in_pieces = hear(both, floats(samples), 100)
    for task in both:
        np.testing.assert_allclose(
            at_once.so_far[task].probabilities, in_pieces.so_far[task].probabilities, atol=0.02
        )
        assert at_once.now[task].label == in_pieces.now[task].label


def test_only_so_many_windows_are_thought_over_again(
    bundles: dict[str, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.streaming.task.OPEN_WINDOWS", 4)
    emotion = bundles["emotion"]
    real_run, sizes = emotion.run_embedded, []

    def counted(embedding: Embedding) -> Logits:
        sizes.append(len(embedding))
        return real_run(embedding)

    monkeypatch.setattr(emotion, "run_embedded", counted)
    steady = tone(band_centre_hz(2, len(GENRES)), 12.0, rate_hz=SAMPLE_RATE_HZ)
    _, final = hear({"emotion": emotion}, floats(steady), 1000)
    assert max(sizes) == 4 + 1
    assert final.so_far["emotion"].label == upload(bundles, steady)["emotion"].label


def test_the_windows_of_a_context_that_are_not_thought_over_again_still_count(
    bundles: dict[str, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    emotion, samples = {"emotion": bundles["emotion"]}, floats(song(6.0))
    _, all_open = hear(emotion, samples, 10_000)
    monkeypatch.setattr("service.streaming.ears.OPEN_WINDOWS", 1)
    _, closed = hear(emotion, samples, 10_000)
    np.testing.assert_allclose(
        closed.so_far["emotion"].probabilities, all_open.so_far["emotion"].probabilities, atol=1e-6
    )


def test_an_answer_may_be_overdue_until_there_is_a_frame(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "genre", labels=GENRES, sample_rate_hz=200)
    session = Session(START, {"genre": Bundle.load(folder)})
    heard_s = []
    while session.heard_s < 5:
        answer = session.hear(bytes(min(session.due_bytes, 1_000)))
        heard_s += [answer.heard_s] if answer else []
    assert heard_s[0] > ANSWER_S
    assert np.diff(heard_s) == pytest.approx(ANSWER_S)
