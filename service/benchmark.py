"""Where each millisecond of an answer goes: ``python -m service.benchmark``."""

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from service.audio.decode import Clip, Limits
from service.audio.synthetic import synthetic_mp3
from service.deadline import Deadline
from service.decoding.pool import DecoderPool
from service.inference.bundle import Bundle
from service.inference.classification import clip_probabilities, needed_rates_hz, trace
from service.inference.features import Grid
from service.inference.registry import Registry

TIMELINE = "timeline"
# Of bundles that join no windows it is no part of the answer about the whole clip.
EXTRA_TIMELINE = "timeline, if asked for"
DEADLINE_S = 60.0


def main() -> int:
    """Time every stage for every bundle and write a table."""
    parser = argparse.ArgumentParser(
        prog="python -m service.benchmark",
        description="Time decode, features and network of one clip after another, without HTTP.",
    )
    parser.add_argument("--models", type=Path, default=Path("models"), help="[%(default)s]")
    parser.add_argument("--file", type=Path, help="audio file [30 s of synthetic stereo MP3]")
    parser.add_argument("--runs", type=int, default=20, help="runs to take the median of [20]")
    options = parser.parse_args()

    data = options.file.read_bytes() if options.file else synthetic_mp3()
    registry = Registry(options.models, ())
    began = time.perf_counter()
    registry.load_all()
    sys.stdout.write(f"load and prove all bundles: {1e3 * (time.perf_counter() - began):.0f} ms\n")
    decoders = DecoderPool(1)
    decoders.start()
    for task, bundle in registry.ready_bundles().items():
        stages = time_stages(data, bundle, decoders, options.runs)
        total = sum(ms for name, ms in stages.items() if name != EXTRA_TIMELINE)
        parts = ", ".join(f"{name} {ms:.1f}" for name, ms in stages.items())
        sys.stdout.write(f"{task}: {total:.1f} ms ({parts})\n")
    decoders.close()
    return 0


def time_stages(data: bytes, bundle: Bundle, decoders: DecoderPool, runs: int) -> dict[str, float]:
    """Return the median time in ms of each stage of one answer."""
    times: dict[str, list[float]] = defaultdict(list)
    rates_hz = needed_rates_hz([bundle])

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        times[name].append(1e3 * (time.perf_counter() - began))

    for _ in range(runs):
        with stage("decode"):
            clip = decoders.decode(data, rates_hz, Limits(), Deadline.within(DEADLINE_S))
        _classify(clip, bundle, stage)
    return {name: statistics.median(values) for name, values in times.items()}


def _classify(
    clip: Clip, bundle: Bundle, stage: Callable[[str], AbstractContextManager[None]]
) -> None:
    with stage("features"):
        grid, context_grid = _grids(bundle, clip)
    with stage("network"):
        logits = bundle.window_logits(grid, context_grid)
    with stage(TIMELINE if bundle.card.timeline else EXTRA_TIMELINE):
        timeline = trace(bundle, grid, lambda: logits, clip.duration_s, context_grid)
    clip_probabilities(bundle, grid, lambda: logits, timeline)


def _grids(bundle: Bundle, clip: Clip) -> tuple[Grid, Grid | None]:
    grid = bundle.in_tune(bundle.features(clip.waveforms[bundle.card.features.sample_rate_hz]))
    context = bundle.context
    if context is None:
        return grid, None
    return grid, context.features(clip.waveforms[context.spec.features.sample_rate_hz])


if __name__ == "__main__":
    sys.exit(main())
