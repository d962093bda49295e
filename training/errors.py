"""What the training job tells people when it cannot go on."""


class TrainingError(Exception):
    """A mistake in the data, the command or the environment; the message says how to mend it."""


class UnreadableClip(Exception):
    """One clip cannot be used. It is reported by name and skipped, the others go on."""
