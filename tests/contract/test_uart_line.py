"""The serial line of our tests itself: waveforms worked out by hand."""

import os

import pytest

from drivers.serial_settings import LIKELY, SerialSettings
from drivers.serial_wire import open_serial
from tests.contract.uart_line import received, settings_of_terminal, waveform

SLOW, HALF, FAST = SerialSettings(9_600), SerialSettings(57_600), SerialSettings(115_200)
EVEN, ODD = SerialSettings(9_600, "E"), SerialSettings(9_600, "O")
EVERY_BYTE = bytes(range(256))
QUESTION = bytes.fromhex("AAAAAA9669000311FFED")


def test_a_byte_is_a_start_bit_its_bits_from_the_lowest_parity_and_stop() -> None:
    assert waveform(b"\x0b", SLOW) == [1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1]
    assert waveform(b"\x0b", EVEN) == [1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1]
    assert waveform(b"\x0b", ODD) == [1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("settings", LIKELY, ids=str)
def test_ends_that_are_set_alike_hear_every_byte(settings: SerialSettings) -> None:
    assert received(EVERY_BYTE, settings, settings) == EVERY_BYTE


def test_stop_bits_make_no_difference() -> None:
    two = SerialSettings(9_600, stopbits=2)
    assert received(EVERY_BYTE, two, SLOW) == received(EVERY_BYTE, SLOW, two) == EVERY_BYTE


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        # One long fall for each run of zeros, and a byte is over before it ends: breaks.
        (b"\x00", b"\x00"),
        (b"\xff", b"\x00"),
        (b"\x0f", b"\x00\x00"),
        (b"\x55", b"\x00\x00\x00\x00\x00"),
        (b"\xff\xff", b"\x00\x00"),
    ],
)
def test_a_slow_sender_is_heard_as_breaks(sent: bytes, heard: bytes) -> None:
    assert received(sent, SLOW, FAST) == heard


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (b"\xff", b"\xfe"),  # the start bit is twice as long
        # 00 11111111 00000000 11: start, 0 and seven 1, stop; start, seven 0 and 1, stop.
        (b"\x0f", b"\xfe\x80"),
    ],
)
def test_at_twice_the_speed_every_bit_is_heard_twice(sent: bytes, heard: bytes) -> None:
    assert received(sent, HALF, FAST) == heard


def test_a_fast_sender_is_heard_as_fewer_bytes() -> None:
    heard = received(QUESTION, FAST, SLOW)
    assert 0 < len(heard) < len(QUESTION)
    # A lone byte is shorter than half a start bit, unless it is low for most of its time.
    assert received(b"\xf0", FAST, SLOW) == b""


def test_parity_that_one_end_does_not_send() -> None:
    # What is not checked is heard all the same, one byte at a time...
    assert received(b"\x0b", EVEN, SLOW) == b"\x0b"
    assert received(b"\x0b", SLOW, EVEN) == b"\x0b"
    # ...but the receiver that waits for it misses start bits of bytes close together.
    assert received(QUESTION, SLOW, EVEN) != QUESTION
    assert received(EVERY_BYTE, EVEN, ODD) == EVERY_BYTE


@pytest.mark.parametrize("settings", LIKELY, ids=str)
def test_no_question_gets_through_where_the_ends_differ(settings: SerialSettings) -> None:
    for other in LIKELY:
        if not other.hears_like(settings) and other.parity == "N":
            assert received(QUESTION, other, settings) != QUESTION


def test_a_terminal_s_other_end_sees_how_it_is_set() -> None:
    machine, host = os.openpty()
    port = open_serial(f"serial://{os.ttyname(host)}?baud=19200&stopbits=2")
    try:
        assert settings_of_terminal(machine) == SerialSettings(19_200, stopbits=2)
    finally:
        port._port.close()
        os.close(machine)
        os.close(host)
