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

    def summary(self) -> str:
        """Return it in a line."""
        chosen = head_name(self.penalty)
        if not self.trials:
            return f"{chosen}; no group could be held out to choose by"
        linear = [trial.log_loss for trial in self.trials if trial.penalty is not None]
        own = [trial.log_loss for trial in self.trials if trial.penalty is None]
        told = [f"linear layers {min(linear):.3f} at best"] if linear else []
        told += [f"{head_name(None)} {min(own):.3f}"] if own else []
        return (
            f"{chosen}, chosen by the log loss on {self.clips} clips held out in turn, by groups, "
            f"of what it learned from ({', '.join(told)})"
        )


def head_name(penalty: float | None) -> str:
    """Return what a head is, in words."""
    return "the recipe's network" if penalty is None else f"linear layer of penalty {penalty:g}"
