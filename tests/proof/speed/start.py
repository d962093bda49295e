"""How soon the service is ready, and what it holds in memory before the first request."""

import time
from collections.abc import Iterator
from pathlib import Path

from tests.proof.memory import children, own_mib
from tests.proof.speed.processor import processor_s
from tests.proof.speed.rows import Row
from tests.server import COMMAND, service_process

MB_PER_MIB = 1.048576


def measure(models: Path, log: Path, core: int, starts: int) -> Iterator[Row]:
    """Start the service several times on one core; the fastest counts."""
    ready_s, spent_s = [], []
    memory: list[dict[str, float]] = []
    for _ in range(starts):
        began_s = time.perf_counter()
        with service_process(models, log, COMMAND, {core}, workers=1) as (process, _):
            ready_s.append(time.perf_counter() - began_s)
            spent_s.append(processor_s(process.pid))
            (decoder,) = children(process.pid)
            memory.append(
                {
                    f"{name}, {kind}": MB_PER_MIB * own_mib(one, kind)
                    for name, one in (("service", process.pid), ("a decoder", decoder))
                    for kind in ("Rss", "Pss")
                }
            )
    yield Row("from the start to ready", min(ready_s), "s", at_most=1.2, processor=min(spent_s))
    goals = {"service, Rss": 180.0, "a decoder, Rss": 30.0}
    for name in memory[0]:
        most = max(one[name] for one in memory)
        yield Row(f"memory before the first request: {name}", most, "MB", at_most=goals.get(name))
