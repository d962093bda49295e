import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.audio import tone
from tests.bundles import SAMPLE_RATE_HZ, band_centre_hz, write_bundle
from tests.training.made import write_wav
from training.data.cache import FeatureCache
from training.evaluation.evaluate import evaluate, load_bundle
from training.results.evaluation_page import write_evaluation_page

LABELS = ("dark", "calm", "loud")
HEARD = {"dark": ("dark", "dark", "loud"), "calm": ("calm", "calm"), "loud": ("loud", "dark")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page about a bundle that is asked about songs, two of which are mislabelled."""
    folder = tmp_path_factory.mktemp("evaluated")
    write_bundle(folder / "mood", labels=LABELS)
    for label, sounds in HEARD.items():
        for n, heard in enumerate(sounds):
            frequency_hz = band_centre_hz(LABELS.index(heard), len(LABELS))
            samples = tone(frequency_hz, 2.0 + 3 * n, rate_hz=SAMPLE_RATE_HZ)
            write_wav(folder / "songs" / label / f"<{n}>.wav", samples, SAMPLE_RATE_HZ)
    (folder / "songs" / "calm" / "z.wav").write_bytes(b"no sound at all")
    cache = FeatureCache(folder / "cache")
    data = [folder / "songs"]
    evaluation = evaluate(folder / "mood", data, cache)
    bundle = load_bundle(folder / "mood")
    write_evaluation_page(evaluation, bundle, data, folder / "new" / "page.html", cache)
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "new" / "page.html").read_text("utf-8")


def test_figures_are_told_with_what_they_rest_on(page: str) -> None:
    assert "Version 1.0.0, judged on 7 clips" in page
    assert "<td>songs</td><td>7</td><td>0.714 (" in page
    assert "<td>dark</td><td>0.67 (" in page
    assert "<td>dark</td><td>3 (3)</td><td>3 (3)</td>" in page
    assert "<td>1 to 3 s</td><td>3</td><td>1.000 (" in page
    assert "<td>calm/z.wav</td>" in page
    assert "The largest of 0 groups; 7 clips name none" in page


def test_mistakes_are_seen_heard_and_named(page: str) -> None:
    wrong = re.findall(r'<p class="small">([^<]+\.wav)</p>', page)
    assert '<p class="small">songs</p>' in page
    assert sorted(wrong) == ["dark/&lt;2&gt;.wav", "loud/&lt;1&gt;.wav"]
    assert page.count('class="seen"') == page.count("data:audio/mpeg;base64,") == 2
    assert "<strong>loud</strong>, but told as <strong>dark</strong>" in page


def test_copies_and_cost_are_told(page: str) -> None:
    assert "The same recording in two groups, of 7 clips at hand" in page
    assert re.search(r"<td>[\d,]+</td><td>\d+</td><td>\d+</td>", page)
    assert "network in ONNX Runtime, ms" in page


def test_pictures_are_part_of_it_and_lie_beside_it(folder: Path, page: str) -> None:
    assert page.count("<figure>") == 4
    for name in ("confusion", "calibration", "lengths", "data"):
        with Image.open(folder / "new" / f"page_{name}.png") as picture:
            assert min(picture.size) > 100
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)


def test_it_is_written_without_tensorflow() -> None:
    code = "import sys, training.results.evaluation_page; print('tensorflow' in sys.modules)"
    done = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert done.stdout.split() == ["False"]


def test_files_that_are_called_alike_in_two_data_sets_are_not_mixed_up(tmp_path: Path) -> None:
    """Each mistake is shown and played from its own file, and neither counts as a copy."""
    write_bundle(tmp_path / "mood", labels=LABELS)
    data = [tmp_path / "one", tmp_path / "two"]
    for folder, heard in zip(data, ("calm", "loud"), strict=True):
        frequency_hz = band_centre_hz(LABELS.index(heard), len(LABELS))
        samples = tone(frequency_hz, 2.0, rate_hz=SAMPLE_RATE_HZ)
        write_wav(folder / "dark" / "0.wav", samples, SAMPLE_RATE_HZ)
    cache = FeatureCache(tmp_path / "cache")
    evaluation = evaluate(tmp_path / "mood", data, cache)

    write_evaluation_page(
        evaluation, load_bundle(tmp_path / "mood"), data, tmp_path / "page.html", cache
    )

    page = (tmp_path / "page.html").read_text("utf-8")
    played = re.findall(r"data:audio/mpeg;base64,([^\"]+)", page)
    assert len(played) == len(set(played)) == 2
