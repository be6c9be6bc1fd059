"""A reader that stands at another speed than its wire: its station says so, and goes on after."""

from dataclasses import dataclass, field
from pathlib import Path

from drivers.serial_settings import SerialSettings
from drivers.wire import Wire
from jobs.package_maker import PackagePlan
from tests.contract.uart_line import MemoryPort, Uart
from tests.simulation.checkers import check_books, check_every_order_has_one_good_card, check_floor
from tests.simulation.scene import DAY, Scene, centre, scene

SAYS = (
    "the reader at /dev/ttyTEST is set to 9600 8N1, its wire to 115200 8N1: write baud=9600 in its "
    "wire, or say `cardcentre station speed serial:///dev/ttyTEST 115200`"
)


@dataclass
class SpeedOfReader:
    """A serial port in the place of the reader's simulated wire."""

    settings: SerialSettings
    #: All that were opened.
    ports: list[MemoryPort] = field(default_factory=list)

    def around(self, url: str, wire: Wire) -> Wire:
        if url != "sim://reader-1":
            return wire
        port = MemoryPort(
            Uart(wire, lambda: port.settings, lambda: self.settings), SerialSettings()
        )
        self.ports.append(port)
        return port

    def is_looked_for(self) -> bool:
        return len(self.ports[-1].history) > 1


def told(stage: Scene, state: str) -> None:
    """Check what `station list` and `todo` show."""
    row = stage.books.stations["reader-1"]
    assert (row.state.value, row.code, row.reason) == (state, "wire.wrong_speed", SAYS)
    [todo] = [one for one in stage.verbs.todo() if one.subject == "reader-1"]
    advice = "set its wire in the centre's file as the machine is, or the machine so"
    assert todo.reason == f"{SAYS} - {advice}"


async def test_a_reader_at_another_speed_is_told_and_taken_back(tmp_path: Path) -> None:
    config = centre(("printer", "laminator", "encoder", "reader"))
    speed = SpeedOfReader(SerialSettings(9_600))
    async with scene(tmp_path, config, person=False, around=speed.around) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: stage.station_state("reader-1") == "Aborted")
        told(stage, "Aborted")
        speed.settings = SerialSettings()
        await stage.verbs.clear_station("reader-1", "test")
        await stage.verbs.start_station("reader-1", "test")
        await stage.ended()

        speed.settings = SerialSettings(9_600)  # somebody switched it
        await stage.takes(PackagePlan(1, DAY, serial=2))
        await stage.until(lambda: stage.station_state("reader-1") == "Held")
        told(stage, "Held")
        speed.settings = SerialSettings()
        await stage.verbs.unhold_station("reader-1", "test")
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        await check_floor(stage.service, stage.line)
        assert not [card for card in stage.books.cards.values() if card.reason], "none is to blame"


async def test_a_reader_that_is_switched_back_in_time_is_not_held(tmp_path: Path) -> None:
    """The wire is opened again with the usual pauses, and each time it is looked where it is."""
    speed = SpeedOfReader(SerialSettings())
    async with scene(
        tmp_path, centre(("printer", "laminator", "encoder", "reader")), around=speed.around
    ) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: any(w.act == "read_back" for w in stage.books.works.values()))
        speed.settings = SerialSettings(57_600)
        await stage.until(speed.is_looked_for)
        speed.settings = SerialSettings()
        await stage.ended()
        changes = stage.world.store.query(  # type: ignore[union-attr]  # it is running
            "SELECT data FROM events WHERE kind = 'station_changed' AND station = 'reader-1'"
        )
        assert not [row for row in changes if "Held" in row["data"]]
        check_every_order_has_one_good_card(stage.books)
