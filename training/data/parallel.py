"""Spread work on clips over the processors of this machine or a cluster.

It runs on the engine of whole libraries (:mod:`service.bulk`): threads of this process by default
(decoding and transforms release the interpreter lock), or the workers of a cluster whose address is
given. Workers need this package and the same paths; only what is computed travels back.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from tqdm import tqdm

from service.bulk import NoWorkers, map_unordered, workers
from service.cores import available_cores
from training.errors import TrainingError

Clip = TypeVar("Clip")
Result = TypeVar("Result")
Argument = TypeVar("Argument")


def in_parallel(
    function: Callable[..., Result], clips: Sequence[Clip], *arguments: Any, cluster: str | None
) -> Iterator[tuple[Clip, Result]]:
    """Call a function with each clip; yield each with its result as soon as that is known.

    Parameters
    ----------
    function
        Called with a clip and the arguments, in a worker.
    clips
        What to work on; a bar shows how many are done.
    arguments
        The same for all clips.
    cluster
        Address of a Dask scheduler; None for threads of this process.

    Raises
    ------
    TrainingError
        No scheduler answers at the address, or its workers went away.
    """
    if not clips:
        return
    try:
        with (
            workers(cluster, available_cores(), processes=False) as client,
            tqdm(total=len(clips), desc="features", unit="clip") as progress,
        ):
            # Sent to each worker once, not with each clip.
            sent = [client.submit(_itself, argument) for argument in arguments]
            for done in map_unordered(client, function, clips, *sent):
                progress.update()
                yield done.item, done.get()
    except NoWorkers as error:
        raise TrainingError(str(error)) from error


def _itself(argument: Argument) -> Argument:
    return argument
