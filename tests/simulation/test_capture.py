"""A capture of a running centre's wire: whole, sealed, bounded, and never in the way of a card."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controller.capture import Capture, Limits
from controller.capture_file import CaptureBroken, Ended, Reader
from controller.station_verbs import Refused
from drivers.replay import Record, lives
from drivers.tap import Traffic
from drivers.wire import Wire
from jobs.events import Event, Kind
from jobs.package_maker import PackagePlan
from jobs.vault import KeyFolder, KeyMissing
from simulators.faults import Traced
from tests.simulation.checkers import check_every_order_has_one_good_card
from tests.simulation.scene import DAY, FIRST, Scene, centre, drawn_records, scene
from tests.simulation.test_dead_wires import Cable

PRINTER, ENCODER = "printer-1", "encoder-1"
TECHNICIAN = "user:li"


class Overheard:
    """What went over one wire, heard beside the tap."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: list[tuple[Traffic, bytes]] = []

    def around(self, url: str, wire: Wire) -> Wire:
        return Traced(wire, self._hear) if url == self.url else wire

    def _hear(self, direction: str, data: bytes) -> None:
        self.heard.append((Traffic.SENT if direction == "send" else Traffic.RECEIVED, data))


async def file_of(capture: Capture) -> bytes:
    return b"".join([line async for line in capture.lines()])


def key_of(stage: Scene, capture: Capture) -> bytes:
    return KeyFolder(stage.world.folder / "keys").key(capture.name)


def opened(file: bytes, key: bytes) -> list[Record]:
    return list(Reader(io.BytesIO(file)).opened(key))


def captures_on_record(stage: Scene) -> list[Event]:
    kinds = {Kind.CAPTURE_BEGUN, Kind.CAPTURE_ENDED}
    return [one for one in stage.service.ledger.store.events() if one.kind in kinds]


@asynccontextmanager
async def at_work(
    folder: Path, around: Callable[[str, Wire], Wire] = lambda _url, wire: wire
) -> AsyncIterator[Scene]:
    """Let a centre make four cards, as far as the first writing of a chip."""
    async with scene(folder, around=around) as stage:
        await stage.loads(20)
        await stage.takes(PackagePlan(4, DAY))
        yield stage


async def made(stage: Scene) -> None:
    await stage.ended()
    check_every_order_has_one_good_card(stage.books)


async def test_a_capture_has_every_byte_in_order_and_shows_none(tmp_path: Path) -> None:
    overheard = Overheard(f"sim://{ENCODER}")
    async with at_work(tmp_path, overheard.around) as stage:
        capture = await stage.verbs.begin_capture(ENCODER, TECHNICIAN, 3_000)
        await asyncio.sleep(0)
        before = len(overheard.heard)
        async with asyncio.TaskGroup() as group:
            file_task = group.create_task(file_of(capture))
            await made(stage)
            await stage.verbs.end_capture(ENCODER, TECHNICIAN)
        file, heard = file_task.result(), list(overheard.heard[before:])
        assert len(heard) > 300
        assert [(one.what, one.data) for one in opened(file, key_of(stage, capture))] == heard

        begun, ended = captures_on_record(stage)
        assert {one.draft.actor for one in (begun, ended)} == {TECHNICIAN}
        assert {one.draft.station for one in (begun, ended)} == {ENCODER}
        assert begun.draft.data == {"capture": capture.name, "for_s": 3_000}
        size = sum(len(data) for _, data in heard)
        assert ended.draft.data == {
            "capture": capture.name, "ended": "person", "records": len(heard), "bytes": size,
        }  # fmt: skip
        seen = list(Reader(io.BytesIO(file)).seen())
        assert [(one.what, one.size_bytes) for one in seen] == [(w, len(d)) for w, d in heard]
        check_sealed(file, [data for _, data in heard])


def check_sealed(file: bytes, passed: list[bytes]) -> None:
    """No piece of what passed is in the file, as it is or in any of the usual writings."""
    sealed = b"".join(
        base64.b64decode(fields["sealed"])
        for fields in map(json.loads, file.splitlines())
        if "sealed" in fields
    )
    text = file.lower()
    for data in {data for data in passed if len(data) >= 8}:
        assert data not in sealed
        assert data not in file
        assert data.hex().encode() not in text
        assert base64.b64encode(data[: len(data) // 3 * 3]) not in file


async def test_names_that_are_printed_are_in_the_wire_and_not_in_the_capture(
    tmp_path: Path,
) -> None:
    """The reader's wire carries a name in the clear: the strongest case there is."""
    reader = "reader-1"
    async with at_work(tmp_path) as stage:
        capture = await stage.verbs.begin_capture(reader, TECHNICIAN, 3_000)
        async with asyncio.TaskGroup() as group:
            file_task = group.create_task(file_of(capture))
            await made(stage)
            await stage.verbs.end_capture(reader, TECHNICIAN)
        names = [one["xm"].encode("utf-16-le") for one in drawn_records(PackagePlan(4, DAY))]
        data = b"".join(one.data for one in opened(file_task.result(), key_of(stage, capture)))
        assert any(name in data for name in names)
        assert not any(name in file_task.result() for name in names)


async def test_a_capture_ends_with_its_time_and_then_the_next_may_begin(tmp_path: Path) -> None:
    async with at_work(tmp_path) as stage:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        capture = await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 60)
        with pytest.raises(Refused, match="printer-1 is being captured already"):
            await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 60)
        other = await stage.verbs.begin_capture(ENCODER, TECHNICIAN, 30)
        assert other.name != capture.name
        file = await file_of(capture)
        assert loop.time() - begun_s == pytest.approx(60)
        reader = Reader(io.BytesIO(file))
        assert all(record.at_us <= 60_000_000 for record in reader.opened(key_of(stage, capture)))
        assert reader.ended is Ended.TIME
        assert captures_on_record(stage)[-1].draft.actor == "centre"
        with pytest.raises(Refused, match="printer-1 is not being captured"):
            await stage.verbs.end_capture(PRINTER, TECHNICIAN)
        again = await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 1)
        assert again.name not in {capture.name, other.name}
        await file_of(again)
        await made(stage)


async def test_whoever_takes_it_away_too_slowly_loses_the_capture_and_no_card(
    tmp_path: Path,
) -> None:
    limits = Limits(waiting_bytes_max=50_000)
    async with at_work(tmp_path) as stage:
        stage.verbs.captures.limits = limits
        capture = await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 3_000)
        lines = capture.lines()
        await anext(lines)
        await made(stage)
        assert capture._waiting_bytes <= limits.waiting_bytes_max
        assert captures_on_record(stage)[-1].draft.data["ended"] == "slow"
        rest = b"".join([line async for line in lines])
        reader = Reader(io.BytesIO(capture._writer.first_line + rest))
        kept = list(reader.opened(key_of(stage, capture)))
        assert [one.number for one in kept] == list(range(1, len(kept) + 1))
        assert reader.ended is Ended.SLOW
        assert reader.ended.cut


async def test_a_capture_is_never_larger_than_it_may_be(tmp_path: Path) -> None:
    async with at_work(tmp_path) as stage:
        stage.verbs.captures.limits = Limits(bytes_max=100_000)
        capture = await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 3_000)
        file = await file_of(capture)
        reader = Reader(io.BytesIO(file))
        assert 0 < sum(len(one.data) for one in reader.opened(key_of(stage, capture))) < 100_000
        assert reader.ended is Ended.SIZE
        assert len(file) < 200_000
        await made(stage)


async def test_a_hang_up_and_what_comes_after_it_are_in_the_same_capture(tmp_path: Path) -> None:
    cable = Cable(f"sim://{PRINTER}")
    async with at_work(tmp_path, cable.around) as stage:
        capture = await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 120)
        async with asyncio.TaskGroup() as group:
            file_task = group.create_task(file_of(capture))
            await asyncio.sleep(20)
            cable.pull()
            await asyncio.sleep(20)
            cable.pulled = False
        records = opened(file_task.result(), key_of(stage, capture))
        first, *others = lives(records)
        assert first[-1].what is Traffic.CLOSED
        assert others
        assert others[-1][0].what is Traffic.OPENED
        await made(stage)


async def test_a_capture_is_not_told_to_be_whole_before_its_end_is_durable(tmp_path: Path) -> None:
    async with at_work(tmp_path) as stage:
        timed = await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 5)
        ended = await stage.verbs.begin_capture(ENCODER, TECHNICIAN, 3_000)
        async with asyncio.TaskGroup() as group:
            with stage.full_disk():
                files = [group.create_task(file_of(one)) for one in (timed, ended)]
                verb = group.create_task(stage.verbs.end_capture(ENCODER, TECHNICIAN))
                await asyncio.sleep(60)
                assert timed.ended is Ended.TIME
                assert ended.ended is Ended.PERSON
                assert not any(one.done() for one in (*files, verb))
        assert [one.draft.data.get("ended") for one in captures_on_record(stage)[2:]] == [
            "person", "time",
        ]  # fmt: skip
        await made(stage)


async def test_a_centre_that_stops_ends_its_captures_and_writes_nothing_more(
    tmp_path: Path,
) -> None:
    async with at_work(tmp_path) as stage:
        capture = await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 3_000)
        await asyncio.sleep(10)
        key, later = key_of(stage, capture), list[Event]()
        stage.service.ledger.listeners.append(later.append)
    assert not later
    reader = Reader(io.BytesIO(await file_of(capture)))
    assert list(reader.opened(key))
    assert reader.ended is Ended.STOPPED


async def test_what_cannot_be_captured_is_refused_and_leaves_no_trace(tmp_path: Path) -> None:
    config = centre(FIRST, products=["first-generation"])
    async with scene(tmp_path, config, person=False) as stage:
        laminator = next(
            one for one in stage.service.lines["line-1"].line.stations if one.kind == "laminator"
        )
        laminator.port.tap = None  # as of a reader behind PC/SC
        for name, text in (
            ("inspection-1", "is a desk"),
            ("nobody", "no station nobody"),
            (laminator.name, "laminator-1 has no wire of its own"),
        ):
            with pytest.raises(Refused, match=text):
                await stage.verbs.begin_capture(name, TECHNICIAN, 60)
            with pytest.raises(Refused):
                await stage.verbs.end_capture(name, TECHNICIAN)
        keys = tmp_path / "keys"
        keys.rename(tmp_path / "elsewhere")
        with pytest.raises(Refused, match="the key of this capture cannot be made"):
            await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 60)
        (tmp_path / "elsewhere").rename(keys)
        assert not captures_on_record(stage)
        await (await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 1)).over.wait()


async def test_without_its_key_a_capture_can_be_read_by_nobody(tmp_path: Path) -> None:
    async with at_work(tmp_path) as stage:
        capture = await stage.verbs.begin_capture(PRINTER, TECHNICIAN, 30)
        other = await stage.verbs.begin_capture(ENCODER, TECHNICIAN, 30)
        file = await file_of(capture)
        with pytest.raises(CaptureBroken, match="sealed with another key, at record 1"):
            opened(file, key_of(stage, other))
        KeyFolder(tmp_path / "keys").destroy(capture.name)
        with pytest.raises(KeyMissing):
            key_of(stage, capture)
