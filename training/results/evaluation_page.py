"""Show what an evaluation found as the page that runs have."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from service.inference.bundle import Bundle
from service.inference.features import Grid
from training.data.cache import FeatureCache
from training.data.readers import AudioFile, LabelledClip
from training.evaluation.evaluate import ClipRow, EvaluationReport, data_root
from training.evaluation.metrics import Predictions
from training.results.drawings import (
    draw_calibration,
    draw_confusion,
    draw_data,
    draw_lengths,
    save,
)
from training.results.lengths import AtLength, own_lengths
from training.results.mistakes import ClipAnswer, mistakes
from training.results.page import Picture, Table, render_page
from training.results.recordings import Lens, copies_across
from training.results.tables import (
    COSTED_S,
    copies_table,
    cost_table,
    data_table,
    figures_table,
    groups_table,
    length_table,
    recall_table,
)


def write_evaluation_page(
    evaluation: EvaluationReport,
    bundle: Bundle,
    data: Sequence[Path],
    file: Path,
    cache: FeatureCache,
) -> None:
    """Write the page, and its pictures beside it as PNG.

    Parameters
    ----------
    evaluation
        What was found.
    bundle
        What was judged.
    data
        What it was judged on; recordings are shown and played.
    file
        Where the page goes.
    cache
        Where features are kept.
    """
    lens = Lens(bundle.card.features, bundle.bank, cache)
    answers = [_answer(clip, data) for clip in evaluation.clips]
    known = [(one.truth, one.data_set, one.group) for one in answers]
    at_hand = [
        LabelledClip(AudioFile(one.recording), "", one.data_set, one.group)
        for one in answers
        if one.recording is not None
    ]
    lengths = own_lengths(
        np.array([clip.heard_s for clip in evaluation.clips]),
        np.array([clip.answer == clip.truth for clip in evaluation.clips]),
        [clip.group for clip in evaluation.clips],
    )
    skipped = [[name, reason] for name, reason in evaluation.skipped.items()]
    render_page(
        evaluation.bundle,
        f"Version {evaluation.version}, judged on {evaluation.n} clips: {evaluation.protocol}. "
        f"{evaluation.uncertain_share:.0%} of the answers are uncertain.",
        file,
        tables=[
            figures_table([evaluation]),
            recall_table([evaluation]),
            length_table(lengths),
            data_table(known),
            groups_table(known),
            copies_table(*copies_across(at_hand, lens)),
            *_cost(bundle),
            Table("Clips skipped", ("clip", "why"), skipped),
        ],
        mistakes=mistakes(answers, lens),
        pictures=_pictures(evaluation, lengths, known, file),
    )


def _answer(clip: ClipRow, data: Sequence[Path]) -> ClipAnswer:
    # Names that are alike in two data sets are whole already.
    files = [*(data_root(path) / clip.name for path in data), Path(clip.name)]
    return ClipAnswer(
        name=clip.name,
        data_set=clip.data_set,
        group=clip.group,
        truth=clip.truth,
        probabilities=clip.probabilities,
        recording=next((path for path in files if path.is_file()), None),
    )


def _pictures(
    evaluation: EvaluationReport,
    lengths: Sequence[AtLength],
    known: Sequence[tuple[str, str, str]],
    file: Path,
) -> list[Picture]:
    labels = list(evaluation.clips[0].probabilities)
    predictions = Predictions(
        np.array([[clip.probabilities[label] for label in labels] for clip in evaluation.clips]),
        np.array([labels.index(clip.truth) for clip in evaluation.clips]),
        [clip.group for clip in evaluation.clips],
    )
    drawn = [
        (f"Confusions on {evaluation.data_set}", "confusion", draw_confusion(evaluation)),
        ("Confidence against accuracy", "calibration", draw_calibration(predictions)),
        ("Clips by label and data set", "data", draw_data(known)),
    ]
    if len(lengths) > 1:
        drawn.append(("Accuracy by the length that is heard", "lengths", draw_lengths(lengths)))
    pictures = []
    for title, name, figure in drawn:
        picture = Picture(title, file.with_name(f"{file.stem}_{name}.png"))
        save(figure, picture.file)
        pictures.append(picture)
    return pictures


def _cost(bundle: Bundle) -> list[Table]:
    """Measure it where the features are computed from audio."""
    card = bundle.card
    if bundle.bank.shape[1] == 0:
        return []

    def ask(grid: Grid) -> object:
        return bundle.window_logits(grid, context_grid)

    context_grid = None
    if bundle.context is not None:
        silence = np.zeros(COSTED_S * card.features.sample_rate_hz, np.float32)
        context_grid = bundle.context.features_from(silence, card.features.sample_rate_hz)
    return [cost_table("ONNX Runtime", card.training.parameters, card.features, bundle.bank, ask)]
