"""Puts the parts of MQTT together for a centre whose file has `[mqtt]`."""

from collections.abc import Callable, Iterable
from functools import partial

from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from config.centre import Centre
from controller.mqtt.broker import connected, read_password
from controller.mqtt.edge_node import EdgeNode, NodeNames
from controller.mqtt.forward import Forwarder
from controller.mqtt.metrics import MqttMetrics
from controller.mqtt.pages import Pages
from controller.mqtt.position import position_file
from controller.telemetry import MeteredLine
from jobs.ledger.ledger import Ledger


def forwarder_of(
    config: Centre,
    ledger: Ledger,
    lines: Iterable[MeteredLine],
    now_us: Callable[[], int],
    logger: FilteringBoundLogger,
    registry: CollectorRegistry,
) -> Forwarder | None:
    """Return what keeps the broker told, or nothing; raises `PasswordNotUsable`."""
    mqtt = config.mqtt
    if mqtt is None:
        return None
    if mqtt.password_file is not None:
        read_password(mqtt.password_file)  # wrong now is told now
    forwarder = Forwarder(
        connect=partial(connected, mqtt),
        pages=Pages(config.ledger.path, mqtt.events_under_way_max),
        file=position_file(config.ledger.path),
        edges=edges_of(mqtt.group_id or config.name, ledger, lines, now_us() // 1_000),
        event_topic=mqtt.event_topic or f"cardcentre/{config.name}/events",
        seen=ledger.sequence,
        now_us=now_us,
        retry_max_s=mqtt.reconnect_max_s,
        logger=logger,
    )
    MqttMetrics(
        registry,
        lambda: forwarder.connected,
        lambda: ledger.sequence - forwarder.position.sequence,
    )
    return forwarder


def edges_of(
    group: str, ledger: Ledger, lines: Iterable[MeteredLine], now_ms: int
) -> list[EdgeNode]:
    """Return an edge node for each line, as the books are at this moment."""
    books = ledger.books

    def line_of(card: str) -> str:
        return books.cards[card].line

    serials = {row.id: row.machine_serial for row in books.stations.values()}
    return [
        EdgeNode(
            NodeNames(group, one.name, one.kinds), books.line(one.name), serials, line_of, now_ms
        )
        for one in lines
    ]
