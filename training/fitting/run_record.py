"""How a run was started and what it saw; ``run.json``."""

from pydantic import BaseModel, ConfigDict


class RunRecord(BaseModel):
    """What is told of a run in its folder.

    Attributes
    ----------
    task, command, seed
        How it was started.
    clips_by_data_set, skipped
        What it learned from, and what could not be read.
    epochs, history
        Of the final network.
    fit_s
        How long it took.
    network
        What was fitted.
    grouped
        Whether the data name a group for every clip.
    remarks
        What whoever reads the figures must know of the data.
    versions
        Of Python, of this package and of what it computes with.
    data
        Where the data lay.
    """

    model_config = ConfigDict(extra="forbid")

    task: str
    command: str
    seed: int
    clips_by_data_set: dict[str, int]
    skipped: dict[str, str]
    epochs: int
    history: dict[str, list[float]]
    fit_s: float
    network: str = ""
    grouped: bool = True
    remarks: list[str] = []
    versions: dict[str, str] = {}
    data: list[str] = []
