"""Manifests and receipts as files, from centres simulated to their end."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lxml import etree  # type: ignore[import-untyped]  # it ships no types

from config.centre import load_centre, shipped_centre
from controller.outputs import Outputs
from controller.simulating import Simulated, SimulationPlan, simulate
from controller.virtual_time import VirtualTimeLoop
from jobs.books import Books
from jobs.states import CardState


@dataclass(slots=True)
class Finished:
    """A centre at its end, and a folder of what it wrote that a test may spoil."""

    made: Simulated
    out: Path
    runner: asyncio.Runner

    @property
    def books(self) -> Books:
        return self.made.ledger.books

    def writer(self) -> Outputs:
        """Return a new writer, as after a restart."""
        first = self.made.service.outputs
        assert isinstance(first, Outputs)
        return Outputs(self.out, first.ledger, first.preparation)

    def write_missing(self) -> Outputs:
        writer = self.writer()
        self.runner.run(writer.write_missing())
        return writer


@contextmanager
def simulated(folder: Path, orders: int, faults: int = 0) -> Iterator[Finished]:
    config = load_centre(shipped_centre("simulated"))
    out = folder / "out"
    plan = SimulationPlan(orders, 3, 2, faults, None, out)
    with (
        asyncio.Runner(loop_factory=VirtualTimeLoop) as runner,
        closing(runner.run(simulate(config, plan, folder))) as made,
    ):
        yield Finished(made, out, runner)


@pytest.fixture(scope="module")
def the_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    with simulated(tmp_path_factory.mktemp("run"), 12, 2) as finished:
        yield finished


@pytest.fixture
def finished(the_run: Finished, tmp_path: Path) -> Finished:
    """Return the one run, with a folder of the test's own."""
    shutil.copytree(the_run.out, tmp_path / "out")
    return replace(the_run, out=tmp_path / "out")


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_every_card_is_in_one_manifest_and_every_application_in_the_receipt(
    finished: Finished,
) -> None:
    out, orders = finished.out, finished.books.orders
    boxes = [json.loads(path.read_bytes()) for path in out.glob("boxes/*/manifest.json")]
    listed = sorted(card["order"] for box in boxes for card in box["cards"])
    assert listed == sorted(orders)
    assert all(box["count"] == len(box["cards"]) for box in boxes)
    (xml,) = out.glob("receipts/*.xml")
    document = etree.parse(str(xml))
    schema = etree.XMLSchema(etree.parse("jobs/receipt.xsd"))
    schema.assertValid(document)
    told = {element.text for element in document.iter("slh")}
    assert len(told) == 12
    assert (document.findtext("bt/zzs"), document.findtext("bt/ths")) == (
        str(len(orders)),
        str(12 - len(orders)),
    )
    manifest_numbers = {card["acceptance_number"] for box in boxes for card in box["cards"]}
    assert manifest_numbers < told
    assert xml.stat().st_mode & 0o777 == 0o600
    assert xml.parent.stat().st_mode & 0o777 == 0o700


def test_manifests_name_nobody(finished: Finished) -> None:
    application = finished.writer().preparation.application
    text = "".join(path.read_text() for path in finished.out.glob("boxes/*/*"))
    assert text
    for person in map(application, finished.books.orders.values()):
        assert person.acceptance_number in text
        assert person.name not in text
        assert person.citizen_number not in text


def test_what_is_missing_is_written_again_and_what_is_there_is_left(finished: Finished) -> None:
    before = content(finished.out)
    (finished.out / "boxes" / "X-00001" / "manifest.json").unlink()
    (receipt,) = finished.out.glob("receipts/*.json")
    receipt.unlink()
    untouched = finished.out / "boxes" / "X-00002" / "manifest.csv"
    untouched.write_text("a person's note")
    finished.write_missing()
    after = content(finished.out)
    assert after.pop("boxes/X-00002/manifest.csv") == b"a person's note"
    before.pop("boxes/X-00002/manifest.csv")
    assert after == before


def test_a_card_found_bad_before_dispatch_leaves_the_manifest(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = finished.books.boxes["X-00001"]
    bad = next(card for card in finished.books.cards.values() if card.box == box.id)
    # The books are those of all tests here: the card is good again afterwards.
    monkeypatch.setattr(bad, "state", CardState.SPOILED)
    finished.write_missing()
    manifest = json.loads((finished.out / "boxes" / box.id / "manifest.json").read_bytes())
    assert bad.id not in [card["card"] for card in manifest["cards"]]
    assert len(manifest["cards"]) == box.cards - 1


def test_a_folder_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("in the way")
    with simulated(tmp_path, 2) as finished:
        writer = finished.made.service.outputs
        assert "cannot be written" in writer.fault
        todos = finished.made.service.verbs.todo()
        assert any(todo.code == "outputs.unavailable" for todo in todos)
        out.unlink()
        finished.runner.run(writer.write_missing())
        assert writer.fault == ""
        assert list(out.glob("boxes/*/manifest.csv"))
        assert list(out.glob("receipts/*.xml"))


def test_without_the_batch_s_key_nobody_is_named_and_nothing_fails(tmp_path: Path) -> None:
    with simulated(tmp_path, 2) as finished:
        out = finished.out
        for path in [*out.glob("boxes/*/*"), *out.glob("receipts/*")]:
            path.unlink()
        finished.writer().preparation.keys.destroy("B-00001")
        writer = finished.write_missing()
    manifests = [json.loads(path.read_bytes()) for path in out.glob("boxes/*/manifest.json")]
    assert {card["acceptance_number"] for box in manifests for card in box["cards"]} == {""}
    assert list(out.glob("receipts/*")) == []
    assert writer.fault == ""


@pytest.mark.parametrize("name", ["xml", "json"])
def test_a_half_written_file_never_has_the_name_of_a_whole_one(
    finished: Finished, name: str
) -> None:
    (path,) = finished.out.glob(f"receipts/*.{name}")
    whole = path.read_bytes()
    path.unlink()
    # What a power cut in the middle of writing leaves.
    path.with_name(f".{path.name}.new").write_bytes(whole[:100])
    finished.write_missing()
    assert path.read_bytes() == whole
    assert sorted(one.suffix for one in path.parent.iterdir()) == [".json", ".xml"]
