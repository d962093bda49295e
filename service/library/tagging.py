"""Write tags into the files of a run, or tell what would be written."""

from collections.abc import Callable

from service.library.columns import shown
from service.library.state import Row, State
from service.library.tags import TagRules, Untaggable, missing_tags, tags_of, write_tags


def tag_files(
    state: State, rules: TagRules, tell: Callable[[str], object], *, really: bool
) -> None:
    """Write the tags that the answers allow, a line of text for each file that gets some.

    Parameters
    ----------
    state
        Knows the files of the run and their answers, and is told which files were written to.
    rules
        What may be written.
    tell
        Called with each line.
    really
        Whether to write; otherwise it is only told what would be written.
    """
    written = failed = 0
    for row in state.rows():
        try:
            told = _tag(row, state, rules, really=really)
        except Untaggable as error:
            failed += 1
            tell(f"{shown(str(error))}\n")
            continue
        if told:
            written += 1
            tell(f"{shown(row.file)}: {told}\n")
    what = "written" if really else "to be written; --yes writes them"
    tell(f"tags of {written} files {what}" + (f", {failed} cannot be\n" if failed else "\n"))


def _tag(row: Row, state: State, rules: TagRules, *, really: bool) -> str:
    wanted = tags_of(row, rules)
    if not wanted:
        return ""
    tags = missing_tags(row.file, wanted, rules)
    if tags and really:
        now = write_tags(row.file, tags).stat()
        state.touch(row.file, now.st_size, now.st_mtime_ns)
    return ", ".join(f"{name} {' / '.join(values)}" for name, values in tags.items())
