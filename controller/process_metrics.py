"""What this process takes of its machine, under the names that Prometheus' clients all use.

Two figures that cost little; `prometheus_client`'s own collector takes half as long as all else
on the page.
"""

import resource
import time
from collections.abc import Iterator
from pathlib import Path

from controller.exposition import Family, family, one

_PAGE_BYTES = resource.getpagesize()


def process_families() -> Iterator[Family]:
    """Return processor and memory as they are now."""
    yield family(
        "process_cpu_seconds_total", "counter", "Processor time spent, by user and system.",
        one(time.process_time()),
    )  # fmt: skip
    resident_pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    yield family(
        "process_resident_memory_bytes", "gauge", "Memory that is resident.",
        one(resident_pages * _PAGE_BYTES),
    )  # fmt: skip
