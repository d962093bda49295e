import pytest

from training import cli
from training.cli import main
from training.commands.command import Command
from training.commands.compare import FEATURE_NAMES, MODEL_NAMES
from training.commands.options import RECIPE_NAMES
from training.recipes import RECIPES

MEASUREMENTS = ("evaluate", "compare", "progressions", "invariance")


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit) as left:
        main([*command, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


def test_the_names_of_the_recipes_are_complete() -> None:
    assert set(RECIPE_NAMES) == set(RECIPES)


def test_the_help_teaches_the_usual_order(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys)
    order = [text.index(f"python -m training {name}") for name in ("fit", "report", "promote")]
    assert order == sorted(order)
    assert all(command.name in text for command in cli.COMMANDS)


@pytest.mark.parametrize("command", ["prepare", "fit", *MEASUREMENTS])
def test_the_help_says_what_data_may_be(capsys: pytest.CaptureFixture[str], command: str) -> None:
    text = help_of(capsys, command)
    for layout in (
        "a CSV with the columns 'file'", "an .npz with 'mel'", "gtzan_mel.npz", "genres_original",
        "images_original", "guitar-chords-v3: Training/<chord>", "Train.csv", "features_30_sec.csv",
    ):  # fmt: skip
        assert layout in text


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_every_option_is_explained(capsys: pytest.CaptureFixture[str], command: Command) -> None:
    text = help_of(capsys, command.name).removesuffix(f"{command.details}\n")
    options = text[text.index("options:") :]
    for entry in options.split("\n  --")[1:]:
        words = entry.split()
        assert any(word.islower() and word.isalpha() for word in words[1:]), entry


def test_the_help_of_compare_names_all_systems(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys, "compare")
    systems = text[text.index("The systems") : text.index("All of them")]
    assert all(name in systems for name in (*MODEL_NAMES, *FEATURE_NAMES))
