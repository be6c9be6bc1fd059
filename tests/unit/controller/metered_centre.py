"""A ledger with a few cards' events and its telemetry, for tests of metrics and logs."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from controller.clock import MICROSECONDS
from controller.metrics_page import MetricsPage
from controller.telemetry import MeteredLine, Telemetry
from jobs.events import Draft, Kind
from jobs.ledger.ledger import InlineWriter, Ledger, open_ledger
from jobs.ledger.store import MEMORY, Store

#: 2005-09-10, 08:00 in China.
START_US = 1_126_310_400 * MICROSECONDS
KINDS = {
    "line-1-transport": "transport",
    "printer-1": "printer",
    "reader-1": "reader",
}


@dataclass
class Metered:
    """A centre made of events alone."""

    page: MetricsPage = field(default_factory=lambda: MetricsPage(CollectorRegistry()))
    now_us: int = START_US
    fault: str = ""
    in_process: int = 0
    dirty: bool = False
    works: int = 0
    path: str = MEMORY

    async def open(self) -> "Metered":
        store = Store.open(self.path)
        writer = InlineWriter(store, 1.0, lambda _error: None)
        self.ledger: Ledger = await open_ledger(store, writer, lambda: self.now_us)
        return self

    def measure(self) -> Telemetry:
        line = MeteredLine(
            "line-1", KINDS, lambda: self.in_process, 24, lambda: {"printer-1": self.dirty}
        )
        self.telemetry = Telemetry(self.ledger, [line], lambda: self.now_us, lambda: self.fault)
        return self.telemetry

    def scrape(self) -> str:
        return self.page.text(self.telemetry.snapshot())

    async def batch(self, *promise_dates: str, blanks: int = 10) -> None:
        data = {"package_number": "P", "product": "2", "county": "229901", "applications": 9}
        stock = {"line": "line-1", "loaded": blanks}
        await self.ledger.append(
            Draft(Kind.BATCH_RECEIVED, "test", data, batch="B-1"),
            Draft(Kind.STOCK_CHANGED, "test", stock),
            *(self._order(number, day) for number, day in enumerate(promise_dates, 1)),
        )

    def _order(self, number: int, promise_date: str) -> Draft:
        data = {
            "position": number,
            "county": "229901",
            "product": "2",
            "express": number == 1,
            "reason_code": "12",
            "load": "person",
            "promise_date": promise_date,
        }
        key = f"{number:032x}"
        return Draft(
            Kind.ORDER_CREATED,
            "test",
            data,
            batch="B-1",
            order=f"O-{number}",
            person_key=key,
            approval_key=key,
        )

    async def issue(self, number: int = 1) -> None:
        data = {"line": "line-1"}
        draft = Draft(Kind.CARD_ISSUED, "test", data, order=f"O-{number}", card=f"C-{number}")
        await self.ledger.append(draft)

    async def work(
        self, act: str, station: str, seconds: float, number: int = 1, **finish: str
    ) -> None:
        """Do one work from intent to result."""
        self.works += 1
        work, card, order = f"W-{self.works}", f"C-{number}", f"O-{number}"
        data = {"act": act, "cards": [card], "note": {}}
        names = {"work": work, "card": card, "order": order, "station": station}
        await self.ledger.append(Draft(Kind.WORK_BEGUN, "test", data, **names))
        self.now_us += round(seconds * MICROSECONDS)
        box = finish.pop("box", "")
        result = {"outcome": "done", **finish}
        await self.ledger.append(Draft(Kind.WORK_FINISHED, "test", result, box=box, **names))

    async def change_card(self, number: int = 1, **data: str) -> None:
        names = {"card": f"C-{number}", "order": f"O-{number}"}
        await self.ledger.append(Draft(Kind.CARD_CHANGED, "test", data, **names))

    async def change_order(self, number: int = 1, **data: str) -> None:
        await self.ledger.append(Draft(Kind.ORDER_CHANGED, "test", data, order=f"O-{number}"))

    async def change_station(self, station: str, state: str, code: str = "") -> None:
        data = {"state": state, "reason": "", "code": code}
        await self.ledger.append(Draft(Kind.STATION_CHANGED, "test", data, station=station))

    async def open_box(self, box: str = "X-1") -> None:
        data = {"county": "229901", "line": "line-1", "tray": "tray 0"}
        await self.ledger.append(Draft(Kind.BOX_OPENED, "test", data, batch="B-1", box=box))

    async def make_good(self, number: int, box: str = "X-1") -> None:
        """Take a card from its blank into the box."""
        await self.issue(number)
        await self.work("print", "printer-1", 16, number, trigger="print")
        await self.change_card(number, trigger="laminate")
        await self.change_card(number, trigger="encode")
        await self.work("read_back", "reader-1", 2, number, trigger="verify")
        await self.change_card(number, trigger="accept")
        await self.work("move", "line-1-transport", 1.5, number, trigger="pack", box=box)

    async def dispatch(self, *numbers: int, box: str = "X-1") -> None:
        cards = [f"C-{number}" for number in numbers]
        await self.ledger.append(
            Draft(Kind.BOX_SEALED, "test", {"reason": "full"}, batch="B-1", box=box),
            Draft(Kind.BOX_DISPATCHED, "test", {"cards": cards}, batch="B-1", box=box),
        )


def samples(text: str) -> dict[str, float]:
    """Return every sample of a scrape, written as name{label="value",...}, labels in order."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found
