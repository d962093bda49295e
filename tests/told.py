"""The README files and what else is written for people."""

import re

from tests.server import ROOT

PAGES = [
    "README.md",
    "service/README.md",
    "training/README.md",
    "models/README.md",
    "docker/README.md",
    ".github/CONTRIBUTING.md",
    "CHANGELOG.md",
]
TEXTS = {page: (ROOT / page).read_text("utf-8") for page in PAGES}
README = TEXTS["README.md"]


def blocks(language: str, pages: list[str] = PAGES) -> list[str]:
    found = rf"^```{language}\n(.*?)^```"
    return [b for page in pages for b in re.findall(found, TEXTS[page], re.MULTILINE | re.DOTALL)]
