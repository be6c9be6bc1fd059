import json

from config.centre import load_centre, shipped_centre
from simulators.floor import LifeCycle, infeed
from simulators.inventory import face_digest, inventory
from simulators.plant import Plant


def test_an_inventory_names_every_card_once_and_nothing_that_is_on_it() -> None:
    config = load_centre(shipped_centre("simulated"))
    assert config.simulation is not None
    plant = Plant.of(config, config.simulation)
    line = plant.lines["line-1"]
    line.floor.load_blanks(3, line.chips)
    card = line.floor.move(line.floor.everything()[0][0], infeed(0))
    card.front = {"K": b"invented name"}
    card.chip.files[1][:13] = b"invented name"
    card.chip.files[5][8:] = bytes(range(16))
    card.chip.life_cycle = LifeCycle.OPERATIONAL

    told = inventory(plant)["line-1"]

    assert [(one["number"], one["place"]) for one in told] == [
        (1, "infeed 0"), (2, "magazine"), (3, "magazine"),
    ]  # fmt: skip
    assert told[0]["card_serial"] == bytes(range(16)).hex()
    assert (told[0]["life_cycle"], told[1]["card_serial"]) == ("operational", "")
    assert len({one["chip_serial"] for one in told}) == 3
    assert told[0]["front"] == face_digest({"K": b"invented name"})
    assert told[1]["front"] == told[0]["back"] == ""
    assert told[0]["files"]["1"] != told[1]["files"]["1"]
    assert "invented" not in json.dumps(told)


def test_ink_of_another_colour_or_split_otherwise_is_another_face() -> None:
    faces = ({"K": b"ab"}, {"Y": b"ab"}, {"K": b"a", "Y": b"b"}, {"K": b"aY1\nb"})
    assert len({face_digest(face) for face in faces}) == 4
