"""``python -m training``: see :mod:`training.cli`."""

import os
import sys

from training.cli import main

if __name__ == "__main__":
    code = main()
    if code:
        # A training that was interrupted may still have batches fetched for it. While Python is
        # taken down, TensorFlow would wait for their thread, and that for Python, for ever.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
