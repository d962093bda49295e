"""What was tried to stand on a pretrained network, and what was chosen: records of a run."""

from pydantic import BaseModel, ConfigDict


class Trial(BaseModel):
    """A head, and how it did on groups held out of what is learned from.

    Attributes
    ----------
    penalty
        Of a linear layer, on the squares of its weights; None for the recipe's own network.
    log_loss
        Of the held-out clips, by their weights, at the temperature that suits the head best.
    accuracy
        Share of them that is told right.
    """

    model_config = ConfigDict(extra="forbid")

    penalty: float | None
    log_loss: float
    accuracy: float

    @property
    def name(self) -> str:
        """What it is, in words."""
        return head_name(self.penalty)


class HeadChoice(BaseModel):
    """The head to train, and what it was chosen from.

    Attributes
    ----------
    penalty
        As that of a trial.
    trials
        Empty where nothing could be held out.
    clips
        How many clips were held out in turn.
    """

    model_config = ConfigDict(extra="forbid")

    penalty: float | None
    trials: list[Trial] = []
    clips: int = 0

    @property
    def is_linear(self) -> bool:
        """Whether it is a linear layer."""
        return self.penalty is not None

    def summary(self) -> str:
        """Return it in a line."""
        chosen = head_name(self.penalty)
        if not self.trials:
            return f"{chosen}; no group could be held out to choose by"
        best = min(self.trials, key=lambda trial: trial.log_loss)
        kinds = {trial.penalty is None: trial for trial in sorted(self.trials, key=_worst_first)}
        rivals = [
            f"{trial.name}: {trial.log_loss:.3f}" for trial in kinds.values() if trial != best
        ]
        against = f" ({'; '.join(rivals)})" if rivals else ""
        return (
            f"{chosen}, chosen by a log loss of {best.log_loss:.3f}{against} on {self.clips} clips "
            "held out in turn, by groups, of what it learned from"
        )


def head_name(penalty: float | None) -> str:
    """Return what a head is, in words."""
    return "the recipe's network" if penalty is None else f"linear layer of penalty {penalty:g}"


def _worst_first(trial: Trial) -> float:
    return -trial.log_loss
