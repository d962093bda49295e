"""Where each millisecond of an answer goes: ``python -m service.benchmark``."""

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from service.arguments import positive_whole
from service.audio.decode import Limits
from service.audio.synthetic import synthetic_mp3
from service.deadline import Deadline
from service.decoding.grids import decode_grids
from service.decoding.pool import DecoderPool
from service.errors import NotReady, ServiceError
from service.inference.bundle import Bundle
from service.inference.clip_answer import clip_answer, trace
from service.inference.grids import context_grid_key, grid_key, onset_key
from service.inference.registry import Registry, bundle_folders
from service.inference.timings import Timings

NETWORK = "network"
TIMELINE = "timeline"
# Of bundles that join no windows it is no part of the answer about the whole clip.
EXTRA_TIMELINE = "timeline, if asked for"
DEADLINE_S = 60.0
FAILED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Time every stage for every bundle and write a table; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m service.benchmark",
        description="Time decode, features and network of one clip after another, without HTTP.",
    )
    parser.add_argument(
        "--models", type=Path, default=Path("models"), help="folder of the bundles [%(default)s]"
    )
    parser.add_argument("--file", type=Path, help="audio file [30 s of synthetic stereo MP3]")
    parser.add_argument(
        "--runs", type=positive_whole, default=20, help="runs to take the median of [%(default)s]"
    )
    options = parser.parse_args(arguments)
    try:
        data = options.file.read_bytes() if options.file else synthetic_mp3()
        _write_table(data, options.models, options.runs)
    except OSError as error:
        sys.stderr.write(f"{options.file} cannot be read: {error.strerror}\n")
        return FAILED
    except ServiceError as error:
        sys.stderr.write(f"{error.detail}\n")
        return FAILED
    return 0


def _write_table(data: bytes, models_dir: Path, runs: int) -> None:
    if not bundle_folders(models_dir):
        raise NotReady(f"There is no bundle in {models_dir}; name their folder with --models.")
    registry = Registry(models_dir, ())
    began = time.perf_counter()
    registry.load_all()
    sys.stdout.write(f"load and prove all bundles: {1e3 * (time.perf_counter() - began):.0f} ms\n")
    decoders = DecoderPool(1)
    decoders.start()
    with closing(decoders):
        for task, bundle in registry.ready_bundles().items():
            stages = time_stages(data, bundle, decoders, runs)
            total = sum(ms for name, ms in stages.items() if name != EXTRA_TIMELINE)
            parts = ", ".join(f"{name} {ms:.1f}" for name, ms in stages.items())
            sys.stdout.write(f"{task}: {total:.1f} ms ({parts})\n")


def time_stages(data: bytes, bundle: Bundle, decoders: DecoderPool, runs: int) -> dict[str, float]:
    """Return the median time in ms of each stage of one answer."""
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(runs):
        for interval in _run(data, bundle, decoders).intervals():
            times[interval.name].append(1e3 * interval.seconds)
    return {name: statistics.median(values) for name, values in times.items()}


def _run(data: bytes, bundle: Bundle, decoders: DecoderPool) -> Timings:
    timings = Timings()
    within = Deadline.within(DEADLINE_S)
    clip, grids = decode_grids(decoders, data, [bundle], Limits(), within, timings)
    grid, context = bundle.in_tune(grids[grid_key(bundle)]), bundle.context
    context_grid = grids[context_grid_key(bundle, context)] if context else None
    with timings.stage(NETWORK):
        logits = bundle.window_logits(grid, context_grid)
    with timings.stage(TIMELINE if bundle.card.timeline else EXTRA_TIMELINE):
        key = onset_key(bundle)
        onsets = None if key is None else grids[key]
        timeline = trace(bundle, grid, lambda: logits, clip.duration_s, context_grid, onsets)
    clip_answer(bundle, len(grid), lambda: logits, timeline)
    return timings


if __name__ == "__main__":
    sys.exit(main())
