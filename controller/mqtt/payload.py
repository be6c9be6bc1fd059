"""Sparkplug B payloads: named values to bytes, and a command's bytes to named values. Pure.

What the values are, and in which messages they go, is `controller/mqtt/edge_node.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from google.protobuf.message import DecodeError

from controller.mqtt.sparkplug_pb2 import Payload

Value = bool | int | str


class DataType(IntEnum):
    """The types that we use, by Sparkplug's numbers."""

    INT64 = 4
    BOOLEAN = 11
    STRING = 12


@dataclass(frozen=True, slots=True)
class Metric:
    """One named value and when it became so; its Python type tells its Sparkplug type."""

    name: str
    value: Value
    time_ms: int
    historical: bool = False


@dataclass(frozen=True, slots=True)
class Decoded:
    """A payload of somebody else's, as far as we understand it."""

    metrics: dict[str, Value | float | None]
    time_ms: int
    sequence: int | None


class PayloadBroken(Exception):
    """The bytes are no Sparkplug payload."""

    code = "mqtt.payload_broken"


def encode(metrics: Iterable[Metric], time_ms: int, sequence: int | None) -> bytes:
    """Return a payload's bytes; a death has no sequence number."""
    payload = Payload(timestamp=time_ms, metrics=[_written(metric) for metric in metrics])
    if sequence is not None:
        payload.seq = sequence
    return payload.SerializeToString(deterministic=True)


def _written(metric: Metric) -> Payload.Metric:
    written = Payload.Metric(name=metric.name, timestamp=metric.time_ms)
    match metric.value:
        case bool():
            written.datatype, written.boolean_value = DataType.BOOLEAN, metric.value
        case int():
            assert metric.value >= 0, "our numbers are counts"
            written.datatype, written.long_value = DataType.INT64, metric.value
        case str():
            written.datatype, written.string_value = DataType.STRING, metric.value
    if metric.historical:
        written.is_historical = True
    return written


def decode(content: bytes) -> Decoded:
    """Read a payload; raises `PayloadBroken`."""
    payload = Payload()
    try:
        payload.ParseFromString(content)
    except DecodeError as error:
        raise PayloadBroken("not a Sparkplug payload") from error
    found: dict[str, Value | float | None] = {}
    for metric in payload.metrics:
        kind = metric.WhichOneof("value")
        found[metric.name] = None if kind is None else getattr(metric, kind)
    return Decoded(found, payload.timestamp, payload.seq if payload.HasField("seq") else None)
