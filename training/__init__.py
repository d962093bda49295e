"""Offline training job: labelled audio in, model bundles for :mod:`service` out.

``python -m training prepare | fit | evaluate | promote | report | compare`` are the ways in.
Decoding, features and windows come from :mod:`service`, never the other way round.
"""

import service  # noqa: F401  # keeps NumPy to one thread, if it comes before NumPy
