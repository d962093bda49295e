from pathlib import Path

import numpy as np
import pytest

from training.data.readers import read_data_set
from training.synthesis.pieces import RATE_HZ, STYLES, Artist, render_piece, write_pieces


@pytest.mark.parametrize("name", STYLES)
def test_a_piece_lasts_as_long_as_asked_and_sounds(name: str) -> None:
    rng = np.random.default_rng(1)
    piece = render_piece(STYLES[name], Artist.random(rng), rng, duration_s=3.5)
    assert piece.shape == (round(3.5 * RATE_HZ),)
    assert piece.dtype == np.float32
    assert 0.4 < np.abs(piece).max() < 0.6
    for second in np.split(piece[: 3 * RATE_HZ], 3):
        assert second.std() > 0.001


def test_what_is_written_is_read_with_style_and_artist(tmp_path: Path) -> None:
    folder = write_pieces(tmp_path, artists=2, pieces=2, duration_s=1, styles=("dance", "rock"))
    clips = read_data_set(folder, "style", as_written=True)
    assert [(clip.label, clip.group) for clip in clips[::2]] == [
        ("dance", "dance-artist-0"),
        ("dance", "dance-artist-1"),
        ("rock", "rock-artist-0"),
        ("rock", "rock-artist-1"),
    ]


def test_the_same_seed_gives_the_same_pieces(tmp_path: Path) -> None:
    one, same, other = (
        write_pieces(
            tmp_path / name, artists=1, pieces=1, duration_s=1, styles=("rock",), seed=seed
        )
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    wav = Path("rock", "rock-artist-0", "0.wav")
    assert (one / wav).read_bytes() == (same / wav).read_bytes()
    assert (one / wav).read_bytes() != (other / wav).read_bytes()


def test_an_artist_sounds_more_like_himself_than_like_another() -> None:
    def colours(artist: Artist) -> list[np.ndarray]:
        rng = np.random.default_rng(5)
        pieces = [render_piece(STYLES["rock"], artist, rng, duration_s=2) for _ in range(2)]
        spectra = [
            np.abs(np.fft.rfft(piece))[:RATE_HZ].reshape(-1, 210).mean(1) for piece in pieces
        ]
        return [np.log(spectrum / spectrum.max()) for spectrum in spectra]

    rng = np.random.default_rng(3)
    artists = [Artist.random(rng) for _ in range(4)]
    heard = [colours(artist) for artist in artists]
    own = [np.abs(one - two).mean() for one, two in heard]
    others = [
        np.abs(heard[i][0] - heard[k][1]).mean() for i in range(4) for k in range(4) if i != k
    ]
    assert np.mean(own) < 0.6 * np.mean(others)
