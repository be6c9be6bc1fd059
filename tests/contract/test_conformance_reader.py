"""The conformance rows of a reader with a card in its field: each can fail, none shows the card."""

import pytest

from drivers.conformance.check import Result, Verdict
from drivers.conformance.kinds import conformance
from drivers.conformance.sdt_dialogue import frame
from drivers.xor_checksum import xor_of
from simulators.floor import HAND, ChipMemory, Floor, infeed
from tests.contract.test_conformance import (
    BAUD,
    Change,
    Erring,
    failed,
    finish,
    floor_with,
    machine_of,
    served,
    unchanged,
)

WITH_FINGERPRINTS = b"\x30\x10"


class Peer:
    """What a reader is asked, and how one of its answers is changed on the way."""

    def __init__(self, request: bytes, change: Change) -> None:
        self.asked: list[bytes] = []
        self._request = request
        self._change = change

    def told(self, data: bytes) -> bytes:
        self.asked.append(data[7:9])
        return data

    def said(self, data: bytes) -> bytes:
        """Change length, words and data of an answer, and make its check byte right again."""
        if self.asked[-1] != self._request:
            return data
        body = self._change(data[7:-1])
        body = (len(body) + 1).to_bytes(2, "big") + body
        return data[:5] + body + bytes((xor_of(body),))


def card_in_field() -> tuple[Floor, ChipMemory]:
    floor = floor_with(1, in_field=True)
    finish(floor)
    card = floor.at(infeed(0))
    assert card is not None
    return floor, card.chip


async def run(peer: Peer, cards: int, fingers: bytes = b"", mark: bytes = b" \0") -> list[Result]:
    floor, chip = card_in_field()
    chip.files[3][: len(fingers)] = fingers
    chip.files[1][248:250] = mark
    async with served(machine_of("reader", floor)) as wire:
        erring = Erring(wire, peer.said, peer.told)
        return [result async for result in conformance("reader", erring, BAUD, cards)]


def verdicts(results: list[Result], *ids: str) -> list[Verdict]:
    return [result.verdict for result in results if result.id in ids]


@pytest.mark.parametrize(("count", "size"), [(0, 1286), (1, 1798), (2, 2310)])
async def test_fingerprints_are_read_instead_where_that_is_asked_for(count: int, size: int) -> None:
    peer = Peer(b"", unchanged)
    results = await run(peer, 1, b"\x5a" * 512 * count)
    assert failed(results) == []
    assert verdicts(results, "R-40", "R-44", "R-45") == [Verdict.PASS, Verdict.SKIP, Verdict.PASS]
    assert [r.seen for r in results if r.id == "R-40"] == [f"SW3 90, {size} bytes"]
    assert peer.asked.count(WITH_FINGERPRINTS) == 1


async def test_fingerprints_are_not_read_unasked() -> None:
    peer = Peer(b"", unchanged)
    results = await run(peer, 0, b"\x5a" * 1024)
    assert verdicts(results, "R-40", "R-44") == [Verdict.SKIP, Verdict.PASS]
    assert WITH_FINGERPRINTS not in peer.asked


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda body: body[:7] + b"\2\0" + body[9:], id="another length announced"),
        pytest.param(lambda body: body[:-512], id="one fingerprint less than announced"),
        pytest.param(lambda body: body[:3] + b"\1\0\4\0" + body[9:], id="no length of theirs"),
        pytest.param(lambda body: body[:7] + b"\1\0" + body[9:-768], id="half a fingerprint"),
        pytest.param(lambda _: b"\0\0\x37", id="fingerprint check failed"),
    ],
)
async def test_wrong_fingerprints_fail_their_check(change: Change) -> None:
    results = await run(Peer(WITH_FINGERPRINTS, change), 1, b"\x5a" * 1024)
    assert "R-40" in failed(results)
    assert verdicts(results, "R-42", "R-43", "R-46") == [Verdict.PASS] * 3


async def test_a_module_without_fingerprints_is_asked_for_the_rest() -> None:
    """It is told a request that nobody knows in their place, and refuses that."""

    def told(data: bytes) -> bytes:
        return frame(b"\x30\x99") if data == frame(WITH_FINGERPRINTS) else data

    floor, _ = card_in_field()
    async with served(machine_of("reader", floor)) as wire:
        table = conformance("reader", Erring(wire, told=told), BAUD, 1)
        results = [result async for result in table]
    assert failed(results) == []
    assert verdicts(results, "R-40", "R-44", "R-48") == [Verdict.SKIP, Verdict.PASS, Verdict.PASS]


@pytest.mark.parametrize("cards", [0, 1])
@pytest.mark.parametrize("mark", [b"I\0", b"J\0"])
async def test_a_foreigner_s_card_is_no_failure_of_the_reader(mark: bytes, cards: int) -> None:
    results = await run(Peer(b"", unchanged), cards, mark=mark)
    assert failed(results) == []
    assert [r.seen for r in results if r.id == "R-45"] == ["the card is no citizen's"]


async def test_a_text_out_of_place_behind_fingerprints_is_told() -> None:
    def shifted(body: bytes) -> bytes:
        return body[:9] + b" \0" + body[9:263] + body[265:]

    results = await run(Peer(WITH_FINGERPRINTS, shifted), 1, b"\x5a" * 512)
    assert failed(results) == ["R-45"]


async def test_both_readings_follow_one_another_when_the_card_was_out() -> None:
    floor, _ = card_in_field()
    async with served(machine_of("reader", floor)) as wire:
        first = [result async for result in conformance("reader", wire, BAUD, 0)]
        floor.move(infeed(0), HAND)
        floor.move(HAND, infeed(0))
        second = [result async for result in conformance("reader", wire, BAUD, 1)]
    assert verdicts(first, "R-40", "R-44") == [Verdict.SKIP, Verdict.PASS]
    assert verdicts(second, "R-40", "R-44") == [Verdict.PASS, Verdict.SKIP]


async def test_a_radio_limit_that_is_refused_fails_its_check() -> None:
    results = await run(Peer(b"\x61\xff", lambda _: b"\0\0\x21"), 0)
    assert {"R-07", "R-08", "R-27", "R-28"} <= set(failed(results))
    assert verdicts(results, "R-29", "R-44") == [Verdict.PASS, Verdict.PASS]
