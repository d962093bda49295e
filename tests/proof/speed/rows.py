"""What was measured, beside its goal."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

COLUMNS = ("what", "measured", "goal", "", "processor time")


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes
    ----------
    what
        What was measured.
    figure, unit
        How much of what.
    at_most, at_least
        The goal; none for a figure that only tells.
    processor
        The same by processor time, which other work on the machine changes less; None where it
        has no meaning.
    """

    what: str
    figure: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    processor: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure reaches its goal, and by processor time too; always without a goal."""
        return self._reaches(self.figure) and self._reaches(self.processor)

    @property
    def verdict(self) -> str:
        """Whether the goal is reached, in words; nothing for a figure without one."""
        if self.at_most is None and self.at_least is None:
            return ""
        if self.met:
            return "met"
        if self._reaches(self.figure):
            return "met by the clock alone"
        by_processor = self.processor is not None and self._reaches(self.processor)
        return "met by processor time alone" if by_processor else "NOT MET"

    def cells(self) -> tuple[str, ...]:
        """Return what the table shows of it."""
        goal = "" if self.at_most is None else f"<= {self.at_most:g}"
        goal = goal if self.at_least is None else f">= {self.at_least:g}"
        processor = "" if self.processor is None else self._shown(self.processor)
        return self.what, self._shown(self.figure), goal, self.verdict, processor

    def _reaches(self, figure: float | None) -> bool:
        return figure is None or (
            (self.at_most is None or figure <= self.at_most)
            and (self.at_least is None or figure >= self.at_least)
        )

    def _shown(self, figure: float) -> str:
        digits = f"{figure:.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
        return f"{digits} {self.unit}".strip()


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown, its columns in line."""
    lines = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(COLUMNS))]
    written = [" | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "".join(
        f"| {line} |\n" if n else f"| {line} |\n|{rule}|\n" for n, line in enumerate(written)
    )


def as_json(rows: Sequence[Row]) -> str:
    """Return the rows with their verdicts as JSON."""
    return json.dumps([{**asdict(row), "verdict": row.verdict} for row in rows], indent=1) + "\n"
