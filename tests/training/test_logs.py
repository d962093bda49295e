import json
import logging
import os
from collections.abc import Iterator

import pytest
from tqdm import tqdm

from training.logs import set_up_logs


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setenv("TQDM_DISABLE", "")
    yield
    root.handlers, root.level = handlers, level


def test_a_json_line_holds_time_level_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(quiet=False, as_json=True)
    logging.getLogger("training.made").info("%d clips ready", 3)

    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["message"]) == ("info", "3 clips ready")
    assert line["time"].endswith("+00:00")
    assert os.environ["TQDM_DISABLE"] == "1"


def test_quiet_lets_warnings_through_alone(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(quiet=True, as_json=False)
    logging.info("chatter")
    logging.warning("beware")

    assert capsys.readouterr().err == "WARNING beware\n"


def test_a_line_stands_above_a_progress_bar_and_not_within_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logs(quiet=False, as_json=False)
    with tqdm(total=2, desc="features", mininterval=0) as bar:
        bar.update()
        logging.warning("beware")
        bar.update()

    shown = [line.rpartition("\r")[2] for line in capsys.readouterr().err.split("\n")]
    assert shown[0] == "WARNING beware"
    assert shown[1].startswith("features: 100%")


def test_lines_are_written_once_however_often_it_is_set_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logs(quiet=False, as_json=False)
    set_up_logs(quiet=False, as_json=False)
    logging.info("ready")

    assert capsys.readouterr().err == "INFO ready\n"
