"""One scrape as text: the centre's figures, its programme's, and what others registered.

It runs in the thread that serves metrics and may take its time there.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest

from config.centre import Centre
from controller.exposition import Family, exposition
from controller.metric_families import families
from controller.process_metrics import process_families
from controller.telemetry import Snapshot


def _none(_now: Snapshot) -> Iterable[Family]:
    return ()


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """What is on the page besides the snapshot."""

    registry: CollectorRegistry  # MQTT's: read as it is when the page is made
    targets: Callable[[Snapshot], Iterable[Family]] = _none

    def text(self, now: Snapshot) -> str:
        """Return the whole page."""
        own = (*families(now), *self.targets(now), *process_families())
        return exposition(own) + generate_latest(self.registry).decode()


def metrics_page(registry: CollectorRegistry, centre: Centre) -> MetricsPage:
    """Return the page of a centre; without a plan it has no targets."""
    programme = centre.programme.read_plan()
    if programme is None:
        return MetricsPage(registry)
    from controller.target_metrics import TargetMetrics  # with numpy and the world's holidays

    return MetricsPage(registry, TargetMetrics(centre.ledger.path, centre, programme).families)
