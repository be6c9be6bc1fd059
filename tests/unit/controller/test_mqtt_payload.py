"""Sparkplug payloads against bytes worked out by hand from protobuf's wire format.

A field is its number times 8 plus its wire type (0 varint, 2 length and bytes); a varint carries
seven bits a byte, lowest first, the high bit set in all but the last.
"""

import pytest

from controller.mqtt.edge_node import asks_for_rebirth
from controller.mqtt.payload import Metric, PayloadBroken, decode, encode

#: 300 = 2 * 128 + 44, as a varint ac 02.
TIME_MS = 300


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        pytest.param(
            Metric("a", 300, 5),
            "12 0a"  # field 2 (metrics), 10 bytes
            " 0a 01 61"  # 1 name: 1 byte, "a"
            " 18 05"  # 3 timestamp: 5
            " 20 04"  # 4 datatype: Int64
            " 58 ac02",  # 11 long_value: 300 = 2 * 128 + 44
            id="a count",
        ),
        pytest.param(
            Metric("b", True, 5),
            "12 09 0a 01 62 18 05 20 0b 70 01",  # 14 boolean_value: 14 * 8 = 0x70
            id="a flag that is set",
        ),
        pytest.param(
            Metric("b", False, 5),
            "12 09 0a 01 62 18 05 20 0b 70 00",  # written although it is the default
            id="a flag that is not set",
        ),
        pytest.param(
            Metric("c", "Held", 5),
            "12 0d 0a 01 63 18 05 20 0c 7a 04 48656c64",  # 15 string_value: 15 * 8 + 2 = 0x7a
            id="a text",
        ),
        pytest.param(
            Metric("c", "", 5, historical=True),
            "12 0b 0a 01 63 18 05 20 0c 28 01 7a 00",  # 5 is_historical: 5 * 8 = 0x28
            id="an empty text of the past",
        ),
        pytest.param(
            Metric("d", 0, 0),
            "12 09 0a 01 64 18 00 20 04 58 00",
            id="nought is a value",
        ),
    ],
)
def test_a_metric_is_written_as_the_wire_format_says(metric: Metric, expected: str) -> None:
    # Before it the payload's own time (field 1), after it the sequence number (field 3).
    assert encode([metric], TIME_MS, 7).hex() == f"08 ac02 {expected} 18 07".replace(" ", "")


def test_a_death_has_no_sequence_number() -> None:
    content = encode([Metric("bdSeq", 255, TIME_MS)], TIME_MS, None)
    metric = "0a 05 6264536571 18 ac02 20 04 58 ff01"  # 15 bytes; 255 = 1 * 128 + 127
    assert content.hex() == f"08 ac02 12 0f {metric}".replace(" ", "")


def test_what_is_written_is_read_again() -> None:
    metrics = [Metric("a", 2**40, 1), Metric("b", False, 2), Metric("c", "字", 3)]
    found = decode(encode(metrics, TIME_MS, 255))
    assert found.metrics == {"a": 2**40, "b": False, "c": "字"}
    assert (found.time_ms, found.sequence) == (TIME_MS, 255)


def test_bytes_that_are_no_payload_are_refused() -> None:
    with pytest.raises(PayloadBroken):
        decode(b"\xff\xff\xff")


@pytest.mark.parametrize(
    ("content", "asks"),
    [
        (encode([Metric("Node Control/Rebirth", True, 1)], 1, None), True),
        (encode([Metric("Node Control/Rebirth", False, 1)], 1, None), False),
        (encode([Metric("Node Control/Rebirth", 1, 1)], 1, None), False),
        (encode([Metric("Node Control/Rebirth", "true", 1)], 1, None), False),
        (encode([Metric("Node Control/Reboot", True, 1)], 1, None), False),
        (encode([Metric("Line/Running", False, 1)], 1, None), False),
        (b"", False),
        (b"\xff\xff\xff", False),
        (b'{"rebirth": true}', False),
        (encode([Metric("Node Control/Rebirth", True, 1), Metric("x", "x" * 5000, 1)], 1, None), 0),
    ],
)
def test_the_only_command_is_the_request_for_a_rebirth(content: bytes, asks: object) -> None:
    assert asks_for_rebirth(content) == asks
