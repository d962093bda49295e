import numpy as np

from service.inference.context import append_context

EMBEDDING = np.arange(12, dtype=np.float32).reshape(3, 1, 4)


def test_a_context_stands_behind_the_embedding_of_every_window() -> None:
    told = append_context(EMBEDDING, np.array([7, 8], np.float32))

    assert told.shape == (3, 1, 6)
    assert told.dtype == np.float32
    np.testing.assert_array_equal(told[..., :4], EMBEDDING)
    np.testing.assert_array_equal(told[..., 4:], np.tile([7, 8], (3, 1, 1)))


def test_windows_of_several_clips_get_the_context_of_theirs() -> None:
    contexts = np.array([[1], [2], [3]], np.float32)

    told = append_context(EMBEDDING, contexts[:, np.newaxis])

    np.testing.assert_array_equal(told[:, 0, 4], [1, 2, 3])


def test_no_context_leaves_embeddings_as_they_are() -> None:
    np.testing.assert_array_equal(append_context(EMBEDDING, np.zeros(0, np.float32)), EMBEDDING)
