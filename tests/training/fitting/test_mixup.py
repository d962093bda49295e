from collections.abc import Sequence

import numpy as np

from training.fitting.mixup import Batch, mix_up

LABELS = 3


def batch_of(**weights: Sequence[float]) -> Batch:
    """Windows and the teacher's targets both hold the clip's number; labels come in turn."""
    n = len(weights["logits"])
    number = np.arange(n, dtype=np.float32)
    labels = np.eye(LABELS, dtype=np.float32)[np.arange(n) % LABELS]
    known = {name: np.array(weight, np.float32) for name, weight in weights.items()}
    return Batch(
        windows=number.reshape(n, 1, 1) * np.ones((1, 2, 2), np.float32),
        targets={
            name: number[:, None] if name == "teacher" else labels * weight[:, None]
            for name, weight in known.items()
        },
        weights=known,
    )


def test_mixed_labels_of_labelled_pairs_sum_to_one() -> None:
    mixed = mix_up(batch_of(logits=[1] * 30), np.random.default_rng(0), alpha=0.4)

    labels = mixed.targets["logits"]
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(mixed.weights["logits"], 1, atol=1e-6)
    assert ((labels > 0.01) & (labels < 0.99)).any()


def test_a_blend_keeps_more_of_the_window_than_of_its_partner() -> None:
    mixed = mix_up(batch_of(logits=[1] * 30), np.random.default_rng(0), alpha=0.4)
    own = mixed.targets["logits"][np.arange(30), np.arange(30) % LABELS]
    assert (own >= 0.5 - 1e-6).all()


def test_windows_labels_and_teacher_are_blended_alike() -> None:
    plain = batch_of(logits=[1] * 9, companion=[1] * 9, teacher=[1] * 9)

    mixed = mix_up(plain, np.random.default_rng(3), alpha=1.0)

    told = mixed.targets["teacher"]
    np.testing.assert_allclose(mixed.windows[:, 0, 0], told[:, 0], atol=1e-5)
    np.testing.assert_allclose(mixed.targets["companion"], mixed.targets["logits"], atol=1e-6)
    assert not np.allclose(told, plain.targets["teacher"])


def test_a_blend_counts_as_far_as_its_parts_are_labelled() -> None:
    mixed = mix_up(batch_of(logits=[1.0, 0.0] * 20), np.random.default_rng(0), alpha=0.4)

    labels, weights = mixed.targets["logits"], mixed.weights["logits"]
    assert ((weights >= 0) & (weights <= 1 + 1e-6)).all()
    half_known = (weights > 0.01) & (weights < 0.99)
    assert half_known.any()
    np.testing.assert_allclose(labels[half_known].sum(axis=1), 1, atol=1e-4)
    unknown = weights == 0
    assert unknown.any()
    assert not labels[unknown].any()


def test_each_output_counts_for_itself() -> None:
    """Where every clip is labelled for one of two tasks, the weights of a blend add up to one."""
    either = batch_of(logits=[1.0, 0.0] * 20, companion=[0.0, 1.0] * 20)

    mixed = mix_up(either, np.random.default_rng(0), alpha=0.4)

    logits, companion = mixed.weights["logits"], mixed.weights["companion"]
    np.testing.assert_allclose(logits + companion, 1, atol=1e-6)
    assert ((logits > 0.01) & (companion > 0.01)).any()
    # More of the window than of its partner.
    assert (logits[::2] >= 0.5 - 1e-6).all()
    assert (companion[1::2] >= 0.5 - 1e-6).all()


def test_the_teacher_counts_only_where_both_parts_have_one() -> None:
    heard = [1.0, 0.0] * 20

    mixed = mix_up(batch_of(logits=[1] * 40, teacher=heard), np.random.default_rng(0), alpha=0.4)

    weights = mixed.weights["teacher"]
    assert set(weights.tolist()) == {0.0, 1.0}
    assert not weights[1::2].any()
    assert weights.sum() < sum(heard)
