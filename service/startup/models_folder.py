"""Whether the folder of models can serve at all."""

from pathlib import Path

from service.inference.registry import bundle_folders
from service.startup.refusal import StartRefused


def check_models(models_dir: Path, tasks: tuple[str, ...]) -> None:
    """See that there is a bundle of one of the tasks; whether it is whole is proved later.

    Raises
    ------
    StartRefused
        There is no such folder, or it holds none of the tasks.
    """
    folder = models_dir.resolve()
    if not folder.is_dir():
        raise StartRefused(
            f"There is no folder {folder}. Set SERVICE_MODELS_DIR to the folder with one bundle "
            "per task, or start the service where a folder models is."
        )
    found = bundle_folders(folder)
    if tasks and not set(tasks) & set(found):
        held = f"but of {', '.join(found)}" if found else "nor of any other"
        other_tasks = ", or SERVICE_TASKS to the tasks that it holds" if found else ""
        raise StartRefused(
            f"The folder {folder} holds a bundle of none of the tasks {', '.join(tasks)}, {held}. "
            f"Set SERVICE_MODELS_DIR to the folder with one bundle per task{other_tasks}."
        )
