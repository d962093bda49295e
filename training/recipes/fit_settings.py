"""The numbers of one training, apart from what is trained."""

from dataclasses import dataclass


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
    linear_below
        With fewer labelled clips than this, a linear head is fitted on what the pretrained
        network hears, in place of the network.
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
    linear_below: int = 0
