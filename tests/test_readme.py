"""What the README files tell people must be so."""

import json
import re

import pytest

from service.errors import ClientLeft, problem_kinds
from service.inference.card import Card
from service.startup.environment import settings_rows
from tests.server import ROOT
from tests.test_architecture import ORDER
from tests.told import PAGES, README, TEXTS, blocks
from training.results.report import figures_text


def test_every_page_is_checked() -> None:
    found = {str(page.relative_to(ROOT)) for page in ROOT.glob("[!.]*/README.md")}
    assert found | {"README.md"} <= set(PAGES)


def test_settings_are_listed_as_they_are() -> None:
    told = re.findall(
        r"^\| `(SERVICE_\w+)` \| (.+) \| (.+) \|$", TEXTS["service/README.md"], re.MULTILINE
    )
    assert told == settings_rows()


def test_compose_passes_every_setting_on() -> None:
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    fixed_by_the_image = {"SERVICE_HOST", "SERVICE_PORT", "SERVICE_MODELS_DIR"}
    for variable, _, _ in settings_rows():
        assert variable in fixed_by_the_image or f"\n    {variable}:" in compose


def test_the_order_of_the_parts_is_the_one_that_holds() -> None:
    (drawn,) = [block for block in blocks("text") if " → " in block]
    words = " ".join(drawn.split())
    assert words == " ".join(f"{p} {' → '.join(order)}" for p, order in ORDER.items())


def test_the_picture_names_what_there_is() -> None:
    picture = next(block for block in blocks("text") if "──►" in block)
    named = re.findall(r"(?:service|training)/[a-z/]+", picture)
    assert len(named) > 5
    for name in named:
        assert (ROOT / name).exists() or (ROOT / f"{name}.py").exists(), name


def test_the_example_is_an_answer_of_the_shipped_model() -> None:
    answer = json.loads(blocks("console")[0].split("\n", 1)[1])
    folder = ROOT / "models" / answer["task"]
    card = Card.model_validate_json((folder / "card.json").read_bytes())
    sha256 = card.sha256["model.onnx"]
    assert answer["model"] == {"name": card.task, "version": card.version, "sha256": sha256}
    assert sorted(answer["probabilities"]) == sorted(card.labels)


def test_figures_are_those_of_the_cards() -> None:
    names = {
        "genre": "genre",
        "genre/pictures": "genre, pictures",
        "chord": "chord",
        "emotion": "emotion",
    }
    known = set()
    for folder, name in names.items():
        card = Card.model_validate_json((ROOT / "models" / folder / "card.json").read_bytes())
        pooled = [e for e in card.evaluation if e.data_set.startswith(("all", "gtzan "))]
        assert pooled
        known |= {f"| {name} {row}" for row in figures_text(pooled).splitlines()[2:]}
        assert any(row.startswith(f"| {name} |") and row in README for row in known)
    told = set(
        re.findall(
            r"^\| (?:genre|chord|emotion).*?\(.*\|$", TEXTS["models/README.md"], re.MULTILINE
        )
    )
    assert told == known
    in_short = set(re.findall(r"^\| (?:genre|chord|emotion).*?\(.*\|$", README, re.MULTILINE))
    assert in_short < known


def test_every_status_of_a_problem_is_explained() -> None:
    statuses = {kind.status for kind in problem_kinds().values()}
    told = re.findall(r"^\| (\d{3}) \|", TEXTS["service/README.md"], re.MULTILINE)
    assert told == [str(status) for status in sorted(statuses - {ClientLeft.status})]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for file, heading in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", TEXTS[page]):
        target = (ROOT / page).parent / file if file else ROOT / page
        assert target.exists(), file
        if heading:
            assert heading in anchors(target.read_text("utf-8")), f"{file}#{heading}"


def anchors(text: str) -> set[str]:
    """Return what links to the headings of a page are called."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_the_table_of_contents_holds_every_section(page: str) -> None:
    sections = re.findall(r"^## (.*)$", TEXTS[page], re.MULTILINE)
    listed = re.findall(r"^- \[(.*)\]\(#", TEXTS[page], re.MULTILINE)
    assert listed == [section for section in sections if section != "Contents"]
