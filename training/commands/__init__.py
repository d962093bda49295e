"""The commands of the training job, a file each: its options, and what it does with them.

Everything heavy is imported where it is needed, so that ``--help`` answers at once.
"""
