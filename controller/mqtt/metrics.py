"""Whether the broker is there and how far behind it is, for Prometheus."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class MqttMetrics(Collector):
    """Two gauges, read when somebody asks."""

    def __init__(
        self,
        registry: CollectorRegistry,
        connected: Callable[[], bool],
        events_behind: Callable[[], int],
    ) -> None:
        self._connected = connected
        self._events_behind = events_behind
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return both as they are now."""
        yield GaugeMetricFamily(
            "cardcentre_mqtt_connected", "1 while the MQTT broker is connected.",
            value=float(self._connected()),
        )  # fmt: skip
        yield GaugeMetricFamily(
            "cardcentre_mqtt_events_behind", "Events that the MQTT broker has not acknowledged.",
            value=float(self._events_behind()),
        )  # fmt: skip
