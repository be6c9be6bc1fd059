"""What frames are called, by the golden vectors and by captures of whole dialogues."""

from collections.abc import Callable

import pytest

from drivers.frame_names import frame_name
from drivers.replay import read_vector
from drivers.tap import Traffic
from tests.contract.captured_dialogues import CAPTURES


def names(kind: str, what: Traffic) -> list[str]:
    records = read_vector((CAPTURES / f"{kind}.jsonl").read_text(encoding="utf-8"))
    sent = what is Traffic.SENT
    return [frame_name(kind, one.data, sent=sent) for one in records if one.what is what]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("printer", {"Pem", "Rsn", "Si", "Db", "Se"}),
        ("laminator", {"unit 1: read holding registers", "unit 3: write registers"}),
        ("transport", {"unit 10: read input registers", "unit 10: read identification"}),
        ("encoder", {"escape", "icc power on", "transfer block", "icc power off"}),
        ("reader", {"status", "sam id", "find", "select", "read base", "read management"}),
    ],
)
def test_every_frame_of_a_driver_has_a_name(kind: str, expected: set[str]) -> None:
    found = names(kind, Traffic.SENT)
    assert "" not in found
    assert expected <= set(found), set(found)


@pytest.mark.parametrize("kind", ["laminator", "transport", "reader"])
def test_answers_are_named_where_they_say_what_they_are(kind: str) -> None:
    assert "" not in names(kind, Traffic.RECEIVED)


def test_what_says_something_went_wrong_is_named_so() -> None:
    name: Callable[..., str] = frame_name
    assert name("laminator", bytes.fromhex("0390026101"), sent=False) == "unit 3: exception 2"
    assert name("encoder", bytes.fromhex("031516"), sent=False) == "nak"
    assert name("reader", bytes.fromhex("aaaaaa96690004000080"), sent=False) == "no card found"


@pytest.mark.parametrize("kind", ["printer", "laminator", "encoder", "reader", "inspection"])
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 20, b"\x03\x06", b"\xaa\xaa\xaa\x96\x69"])
def test_noise_has_no_name(kind: str, data: bytes) -> None:
    for sent in (True, False):
        assert "unit" in frame_name(kind, data, sent=sent) or not frame_name(kind, data, sent=sent)
