"""The settings as the environment gives them, described and refused in words for people."""

import difflib
import os

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.settings import PREFIX, Settings, variable
from service.startup.refusal import StartRefused
from service.wording import in_words


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    StartRefused
        Some do not fit or are unknown; each is named.
    """
    complaints = _unknown_variables()
    try:
        settings = Settings()
    except ValidationError as error:
        complaints += [_complaint(found) for found in error.errors(include_url=False)]
    else:
        if not complaints:
            return settings
    lines = "\n".join(f"  {complaint}" for complaint in complaints)
    raise StartRefused(
        f"The settings do not fit. Mend these environment variables:\n{lines}\n"
        "All settings and their defaults: python -m service --help"
    )


def settings_table() -> str:
    """Return one line of text per setting."""
    rows = settings_rows()
    width = max(len(name) for name, *_ in rows)
    return "\n".join(f"  {name:<{width}} {meaning} [{default}]" for name, default, meaning in rows)


def settings_rows() -> list[tuple[str, str, str]]:
    """Return the environment variable, the default and the meaning of each setting."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "available cores" if field.default_factory else _plain(field.default)
        rows.append((variable(name), default, field.description or ""))
    return rows


def _unknown_variables() -> list[str]:
    """Return a complaint for each variable that looks like a setting and is none."""
    known = {name.upper() for name in Settings.model_fields}
    complaints = []
    for name in sorted(os.environ):
        # Names are read in either case, so they are checked in either.
        if not name.upper().startswith(PREFIX) or (rest := name.upper()[len(PREFIX) :]) in known:
            continue
        # What all have in common would make any two of them look alike.
        nearest = difflib.get_close_matches(rest, known, n=1)
        advice = f"; did you mean {PREFIX}{nearest[0]}?" if nearest else ""
        complaints.append(f"{name} is no setting of the service{advice}")
    return complaints


def _complaint(found: ErrorDetails) -> str:
    words = in_words(found)
    if not found["loc"]:  # about several settings, which the words name
        return words
    return f"{variable(str(found['loc'][0]))}={found['input']} does not fit: {words}"


def _plain(default: object) -> str:
    if default in ((), None, ""):
        return "none"
    return ",".join(default) if isinstance(default, tuple) else str(default)
