"""Manifests and receipts as files, from centres simulated to their end."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lxml import etree  # type: ignore[import-untyped]  # it ships no types

from config.centre import load_centre, shipped_centre
from controller.outputs import Outputs
from controller.simulating import Simulated, SimulationPlan, simulate
from controller.virtual_time import VirtualTimeLoop
from jobs.states import CardState


@contextmanager
def finished(
    folder: Path, out: Path, orders: int = 6, faults: int = 0
) -> Iterator[tuple[Simulated, asyncio.Runner]]:
    config = load_centre(shipped_centre("simulated"))
    plan = SimulationPlan(orders, 3, 2, faults, None, out)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        yield runner.run(simulate(config, plan, folder)), runner


def outputs(made: Simulated) -> Outputs:
    found = made.service.outputs
    assert isinstance(found, Outputs)
    return Outputs(found.folder, found.ledger, found.preparation)


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_every_card_is_in_one_manifest_and_every_application_in_the_receipt(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    with finished(tmp_path, out, 12, 2) as (made, _):
        boxes = [json.loads(path.read_bytes()) for path in out.glob("boxes/*/manifest.json")]
        orders = made.ledger.books.orders
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


def test_manifests_name_nobody(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with finished(tmp_path, out, 6) as (made, _):
        preparation = outputs(made).preparation
        people = [preparation.application(order) for order in made.ledger.books.orders.values()]
    text = "".join(path.read_text() for path in out.glob("boxes/*/*"))
    assert text
    for person in people:
        assert person.acceptance_number in text
        assert person.name not in text
        assert person.citizen_number not in text


def test_what_is_missing_is_written_again_and_what_is_there_is_left(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with finished(tmp_path, out) as (made, runner):
        before = content(out)
        (out / "boxes" / "X-00001" / "manifest.json").unlink()
        (receipt,) = out.glob("receipts/*.json")
        receipt.unlink()
        untouched = out / "boxes" / "X-00002" / "manifest.csv"
        untouched.write_text("a person's note")
        runner.run(outputs(made).write_missing())
        after = content(out)
    assert after.pop("boxes/X-00002/manifest.csv") == b"a person's note"
    before.pop("boxes/X-00002/manifest.csv")
    assert after == before


def test_a_card_found_bad_before_dispatch_leaves_the_manifest(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with finished(tmp_path, out) as (made, runner):
        box = made.ledger.books.boxes["X-00001"]
        bad = next(card for card in made.ledger.books.cards.values() if card.box == box.id)
        bad.state = CardState.SPOILED
        runner.run(outputs(made).write_missing())
        manifest = json.loads((out / "boxes" / box.id / "manifest.json").read_bytes())
    assert bad.id not in [card["card"] for card in manifest["cards"]]
    assert len(manifest["cards"]) == box.cards - 1


def test_a_folder_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("in the way")
    with finished(tmp_path, out, 3) as (made, runner):
        writer = made.service.outputs
        assert "cannot be written" in writer.fault
        assert any(todo.code == "outputs.unavailable" for todo in made.service.verbs.todo())
        out.unlink()
        runner.run(writer.write_missing())
        assert writer.fault == ""
        assert list(out.glob("boxes/*/manifest.csv"))
        assert list(out.glob("receipts/*.xml"))


def test_without_the_batch_s_key_nobody_is_named_and_nothing_fails(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with finished(tmp_path, out, 3) as (made, runner):
        for path in [*out.glob("boxes/*/*"), *out.glob("receipts/*")]:
            path.unlink()
        writer = outputs(made)
        writer.preparation.keys.destroy("B-00001")
        runner.run(writer.write_missing())
    manifests = [json.loads(path.read_bytes()) for path in out.glob("boxes/*/manifest.json")]
    assert {card["acceptance_number"] for box in manifests for card in box["cards"]} == {""}
    assert list(out.glob("receipts/*")) == []
    assert writer.fault == ""


@pytest.mark.parametrize("name", ["xml", "json"])
def test_a_half_written_file_never_has_the_name_of_a_whole_one(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    with finished(tmp_path, out, 3) as (made, runner):
        (path,) = out.glob(f"receipts/*.{name}")
        whole = path.read_bytes()
        path.unlink()
        # What a power cut in the middle of writing leaves.
        path.with_name(f".{path.name}.new").write_bytes(whole[:100])
        runner.run(outputs(made).write_missing())
        assert path.read_bytes() == whole
        assert sorted(one.suffix for one in path.parent.iterdir()) == [".json", ".xml"]
