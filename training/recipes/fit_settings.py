"""The numbers of one training, apart from what is trained."""

from dataclasses import dataclass

from training.errors import TrainingError

NETWORK, LINEAR, CHOSEN = "network", "linear", "chosen"
HEADS = (NETWORK, LINEAR, CHOSEN)


@dataclass(frozen=True)
class FitSettings:
    """How a network is trained.

    Attributes
    ----------
    epochs, batches_per_epoch, batch_size
        Longest training.
    peak_learning_rate
        Reached after ``warm_up_batches``, then falls along a half cosine (AdamW).
    weight_decay
        Of AdamW.
    label_smoothing
        Share of the target that is spread over all labels.
    mixup_alpha
        Of :func:`training.fitting.batches.mix_up`; None for no mixing.
    mixup_share
        Share of the batches that are mixed.
    teacher_weight
        Weight of the squared difference to the teacher's targets.
    patience
        Epochs without a better loss on clips of some groups kept for it before training ends;
        the best epoch's weights are taken. None to train to the end on all groups.
    head
        What is trained: the recipe's ``network``; a ``linear`` layer on what the pretrained
        network hears, as strict as groups held out of the clips ask for; or what of both is
        ``chosen`` by these.
    """

    epochs: int
    batches_per_epoch: int
    batch_size: int
    peak_learning_rate: float
    weight_decay: float
    label_smoothing: float = 0.0
    mixup_alpha: float | None = None
    mixup_share: float = 1.0
    teacher_weight: float = 1.0
    patience: int | None = 10
    warm_up_batches: int = 100
    head: str = NETWORK

    def __post_init__(self) -> None:
        """Refuse a head that there is not."""
        if self.head not in HEADS:
            raise TrainingError(
                f"fit.head of a recipe is {', '.join(HEADS[:-1])} or {HEADS[-1]}, not {self.head}."
            )
