from controller.failures import ADVICE, FAILURES
from drivers.errors import DestinationTaken, NothingAtSource, ReplyTimeout, WireNotOpened


def test_every_fault_of_a_wire_or_a_move_comes_with_something_to_look_at() -> None:
    codes = {error.code for error in FAILURES}
    of_wires = {code for code in codes if code.startswith(("wire.", "link."))}
    of_moves = {NothingAtSource.code, DestinationTaken.code}
    assert of_wires | of_moves | {"device.wrong", "chip.keys_refused"} == set(ADVICE)


def test_a_fault_is_told_in_round_figures() -> None:
    assert (
        str(ReplyTimeout("Silence.", waited_s=0.40140000000000003)) == "Silence. (waited_s 0.401)"
    )
    assert str(ReplyTimeout("Silence.", waited_s=120.0)) == "Silence. (waited_s 120)"
    told = str(WireNotOpened(url="serial:///dev/ttyUSB3", reason="the port does not exist"))
    assert told.endswith("(url serial:///dev/ttyUSB3, reason the port does not exist)")
