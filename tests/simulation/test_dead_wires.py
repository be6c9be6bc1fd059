"""A wire that is dead, or dies again and again: a person is told, and the rest goes on."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from drivers.wire import Wire
from jobs.package_maker import PackagePlan
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, scene


@dataclass
class Cable:
    """A cable that may be pulled, or that breaks after so many bytes."""

    url: str
    pulled: bool = False
    breaks_after_bytes: int | None = None
    _plugs: list["Plug"] = field(default_factory=list)

    def around(self, url: str, wire: Wire) -> Wire:
        if url != self.url:
            return wire
        self._plugs.append(Plug(self, wire))
        return self._plugs[-1]

    def pull(self) -> None:
        self.pulled = True
        for plug in self._plugs:
            plug.out.set()


@dataclass
class Plug:
    """One opening of it; a plug that is out stays dead."""

    cable: Cable
    wire: Wire
    sent_bytes: int = 0
    out: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, data: bytes) -> None:
        self.sent_bytes += len(data)
        limit = self.cable.breaks_after_bytes
        if self.cable.pulled or (limit is not None and self.sent_bytes > limit):
            self.out.set()
        if self.out.is_set():
            raise ConnectionResetError
        await self.wire.send(data)

    async def receive(self) -> bytes:
        if self.cable.pulled or self.out.is_set():
            return b""
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(self.out.wait())
            data = group.create_task(self.wire.receive())
            ended.add_done_callback(lambda _: data.cancel())
            data.add_done_callback(lambda _: ended.cancel())
        return b"" if data.cancelled() else data.result()

    async def aclose(self) -> None:
        await self.wire.aclose()


async def checked(stage: Scene) -> None:
    await stage.ended(8_000.0)
    check_every_order_has_one_good_card(stage.books)
    check_books(stage.service)
    await check_floor(stage.service, stage.line)


async def test_a_wire_that_breaks_at_every_work_holds_its_station(tmp_path: Path) -> None:
    # Enough to say who is there, and too little for any chip.
    cable = Cable("sim://encoder-1", breaks_after_bytes=900)
    async with scene(tmp_path, person=False, around=cable.around) as stage:
        await stage.loads(50)
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(lambda: stage.waits("station held", "encoder-1"))
        cable.breaks_after_bytes = None
        await stage.verbs.unhold_station("encoder-1", "test")
        await checked(stage)


async def test_a_cable_pulled_while_its_station_comes_back_is_told_again(tmp_path: Path) -> None:
    cable = Cable("sim://laminator-1")
    async with scene(tmp_path, person=False, around=cable.around) as stage:
        await stage.loads(50)
        await stage.takes(PackagePlan(6, DAY))
        works = stage.books.works
        await stage.until(
            lambda: any(w.act == "laminate" and w.station == "laminator-1" for w in works.values())
        )
        cable.pull()
        await stage.until(lambda: stage.waits("station held", "laminator-1"))
        cable.pulled = False
        await stage.verbs.unhold_station("laminator-1", "test")
        # Its wire is opened to see who is there, and is dead again before anything was asked.
        await stage.until(lambda: len(cable._plugs) > 0 and not cable._plugs[-1].out.is_set())
        cable.pull()
        await stage.until(lambda: stage.waits("station aborted", "laminator-1"))
        cable.pulled = False
        await stage.verbs.clear_station("laminator-1", "test")
        await stage.verbs.start_station("laminator-1", "test")
        await checked(stage)


@dataclass
class Silent:
    """A wire on which nobody answers until it is told to."""

    wire: Wire
    answers: asyncio.Event

    async def send(self, data: bytes) -> None:
        await self.wire.send(data)

    async def receive(self) -> bytes:
        await self.answers.wait()
        return await self.wire.receive()

    async def aclose(self) -> None:
        await self.wire.aclose()


async def test_a_station_cleared_while_others_are_still_called_waits_for_its_start(
    tmp_path: Path,
) -> None:
    cable, answers = Cable("sim://laminator-1", pulled=True), asyncio.Event()

    def around(url: str, wire: Wire) -> Wire:
        return Silent(wire, answers) if url == "sim://reader-1" else cable.around(url, wire)

    async with scene(tmp_path, person=False, around=around) as stage:
        await stage.until(lambda: stage.station_state("laminator-1") == "Aborted")
        cable.pulled = False
        await stage.verbs.clear_station("laminator-1", "test")
        await asyncio.sleep(0.1)
        answers.set()
        await stage.until(lambda: stage.station_state("laminator-2") == "Execute")
        assert stage.station_state("laminator-1") == "Stopped", "a person's hands may be in it"
        await stage.verbs.start_station("laminator-1", "test")
        await stage.until(lambda: stage.station_state("laminator-1") == "Execute")
