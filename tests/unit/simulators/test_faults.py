"""Wires that misbehave: in every way that is asked for, in no other, and the same way again."""

import asyncio
from random import Random

import pytest

from simulators.faults import Faulty, Traced, WireFaults
from simulators.wire import memory_pair

MESSAGE = bytes(range(64))


async def passed(faults: WireFaults, *, seed: int = 1, pieces: int = 1) -> list[bytes]:
    """Send pieces over a bad wire and return what a good far end receives, receive by receive."""
    near, far = memory_pair()
    wire = Faulty(near, Random(seed), faults)
    got: list[bytes] = []

    async def collect() -> None:
        while data := await far.receive():
            got.append(data)

    async with asyncio.TaskGroup() as group:
        group.create_task(collect())
        for _ in range(pieces):
            await wire.send(MESSAGE)
            await asyncio.sleep(1.0)
        await wire.aclose()
    return got


async def test_a_wire_without_faults_changes_nothing() -> None:
    assert await passed(WireFaults(), pieces=3) == [MESSAGE] * 3


async def test_split_gives_single_bytes() -> None:
    got = await passed(WireFaults(split=1.0))
    assert got == [bytes([byte]) for byte in MESSAGE]


async def test_repeat_gives_it_twice() -> None:
    assert b"".join(await passed(WireFaults(repeat=1.0))) == MESSAGE * 2


async def test_corrupt_changes_exactly_one_byte() -> None:
    for seed in range(20):
        got = b"".join(await passed(WireFaults(corrupt=1.0), seed=seed))
        assert len(got) == len(MESSAGE)
        assert sum(a != b for a, b in zip(got, MESSAGE, strict=True)) == 1


async def test_loss_takes_one_run_of_bytes() -> None:
    lengths = set()
    for seed in range(50):
        got = b"".join(await passed(WireFaults(loss=1.0), seed=seed))
        kept = next(
            (i for i, (a, b) in enumerate(zip(got, MESSAGE, strict=False)) if a != b), len(got)
        )
        assert got == MESSAGE[:kept] + MESSAGE[len(MESSAGE) - (len(got) - kept) :]
        lengths.add(len(got))
    assert max(lengths) < len(MESSAGE)
    assert len(lengths) > 10


async def test_shares_are_kept_and_a_seed_repeats() -> None:
    got = await passed(WireFaults(repeat=0.25), seed=9, pieces=400)
    assert 70 <= sum(len(piece) == 2 * len(MESSAGE) for piece in got) <= 130
    faults = WireFaults(loss=0.2, split=0.2, delay=0.2, repeat=0.2, corrupt=0.2, hang_up=0.0)
    first = await passed(faults, seed=9, pieces=50)
    assert await passed(faults, seed=9, pieces=50) == first
    assert await passed(faults, seed=10, pieces=50) != first


async def test_receiving_suffers_the_same() -> None:
    near, far = memory_pair()
    wire = Faulty(near, Random(1), WireFaults(split=1.0))
    await far.send(MESSAGE[:3])
    assert [await wire.receive() for _ in range(3)] == [b"\x00", b"\x01", b"\x02"]
    await far.aclose()
    assert await wire.receive() == b""


async def test_a_late_piece_outlives_a_receiver_who_gave_up() -> None:
    near, far = memory_pair()
    wire = Faulty(near, Random(1), WireFaults(delay=1.0, longest_delay_s=10.0))
    await far.send(MESSAGE)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wire.receive(), 0.1)
    start_s = asyncio.get_running_loop().time()
    assert await wire.receive() == MESSAGE
    late_s = asyncio.get_running_loop().time() - start_s
    assert 0.0 < late_s < 10.0


async def test_hanging_up_is_seen_on_both_sides_and_stays() -> None:
    near, far = memory_pair()
    wire = Faulty(near, Random(1), WireFaults(hang_up=1.0))
    with pytest.raises(ConnectionError):
        await wire.send(MESSAGE)
    assert await far.receive() == b""
    assert await wire.receive() == b""
    with pytest.raises(ConnectionError):
        await wire.send(MESSAGE)


async def test_hanging_up_while_receiving_ends_the_stream() -> None:
    near, far = memory_pair()
    wire = Faulty(near, Random(1), WireFaults(hang_up=1.0))
    await far.send(MESSAGE)
    assert await wire.receive() == b""
    with pytest.raises(ConnectionError):
        await far.send(MESSAGE)


@pytest.mark.parametrize("faults", [{"loss": 1.5}, {"split": -0.1}, {"longest_delay_s": -1.0}])
def test_impossible_shares_are_refused(faults: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(faults))):
        WireFaults(**faults)


async def test_a_traced_wire_tells_everything_in_order() -> None:
    near, far = memory_pair()
    told: list[tuple[str, bytes]] = []
    wire = Traced(Faulty(near, Random(1), WireFaults()), lambda *what: told.append(what))
    await wire.send(b"question")
    assert await far.receive() == b"question"
    await far.send(b"answer")
    assert await wire.receive() == b"answer"
    await far.aclose()
    assert await wire.receive() == b""
    assert told == [("send", b"question"), ("receive", b"answer"), ("receive", b"")]
    await wire.aclose()
