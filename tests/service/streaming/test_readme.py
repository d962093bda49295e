"""What the documentation of the streams tells people must be so."""

import re
import subprocess
import sys
from pathlib import Path

from service.settings import Settings
from service.streaming.protocol import Close, StreamStart, TaskStreamAnswer
from tests.audio import encode, tone
from tests.bundles import CHORDS, band_centre_hz
from tests.server import ROOT

README = (ROOT / "service" / "streaming" / "README.md").read_text("utf-8")
HOST = "localhost:8000"


def test_the_example_runs(shared_service: str, tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    pitch_hz = band_centre_hz(1, len(CHORDS), 11_025)
    (tmp_path / "song.wav").write_bytes(encode(tone(pitch_hz, 1.7)))
    done = subprocess.run(  # noqa: S603  # our own documentation
        [sys.executable, "-c", code.replace(HOST, shared_service.removeprefix("http://"))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines == [[at_s, CHORDS[1], CHORDS[1]] for at_s in ("0.5", "1.0", "1.5", "1.7")]


def test_every_field_code_and_setting_is_explained() -> None:
    for model in (StreamStart, TaskStreamAnswer):
        for field in model.model_fields:
            assert f"| `{field}` |" in README
    for code in Close:
        assert f"| {code.value} |" in README
    for setting in Settings.model_fields:
        assert "stream" not in setting or f"`SERVICE_{setting.upper()}`" in README


def test_the_contents_lead_to_their_places() -> None:
    headings = re.findall(r"^## (.*)$", README, re.MULTILINE)
    places = {f"#{heading.lower().replace(' ', '-')}" for heading in headings}
    assert set(re.findall(r"\]\((#[^)]*)\)", README)) == places
