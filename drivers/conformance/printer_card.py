"""What a card printer must do with a card: insert it, print it, bring it out, and count.

Each check uses up one card, which lies in the feeder beforehand.
"""

from typing import Final

from drivers.conformance.bench import Bench, Run, shown
from drivers.conformance.check import Failed, Skipped
from drivers.conformance.printer_bitmaps import MOTION_S, black_line_face, forget_bitmaps
from drivers.conformance.printer_care import refuses_to_clean
from drivers.conformance.printer_dialogue import INSIDE, ask, count, settled

AT_PRINT_POSITION: Final = 0x02000000


async def _insert(bench: Bench) -> None:
    before = await count(bench, "Rco;c")
    text = await ask(bench, "Si", MOTION_S)
    if text == "FEEDER EMPTY":
        raise Skipped("no card is in the feeder")
    status = await settled(bench)
    rose = await count(bench, "Rco;c") - before
    if text != "OK" or rose != 1 or not status[1] & AT_PRINT_POSITION:
        raise Failed(f"{text}, counted {rose}, information {status[1]:08X}")


async def _inserts_and_prints(bench: Bench) -> str:
    await _insert(bench)
    again = await ask(bench, "Si", MOTION_S)
    if again == "OK":
        raise Failed("a second card was inserted onto the first")
    return await _prints(bench, ["Ss", "Sr", black_line_face("k"), "Se"], 1)


async def _prints_both_faces(bench: Bench) -> str:
    await _insert(bench)
    steps: list[str | bytes] = ["Ss", "Sr", black_line_face("k"), "Sv", black_line_face("k"), "Se"]
    return await _prints(bench, steps, 2)


async def _ejects_unprinted(bench: Bench) -> str:
    await _insert(bench)
    return await _prints(bench, ["Se"], 0)


async def _is_not_cleaned(bench: Bench) -> str:
    await _insert(bench)
    text = await refuses_to_clean(bench, "ERROR CARD")
    return f"{text}; {await _prints(bench, ['Se'], 0)}"


async def _prints(bench: Bench, steps: list[str | bytes], panels: int) -> str:
    await forget_bitmaps(bench)
    before = await count(bench, "Rco;p")
    for step in steps:
        request = step if isinstance(step, bytes) else b"\x1b%s\r" % step.encode()
        heard = await bench.ask(request, MOTION_S)
        if heard != b"OK\0":
            raise Failed(f"{shown(request[:8])}: {shown(heard)}")
    status = await settled(bench)
    rose = await count(bench, "Rco;p") - before
    if rose != panels or status[1] & INSIDE:
        raise Failed(f"{rose} panels counted, information {status[1]:08X}")
    return f"{rose} panels counted, the card is out"


CARD_ROWS: Final[list[tuple[str, str, Run]]] = [
    ("a card is inserted and its front printed", "each counter follows", _inserts_and_prints),
    ("a card is printed on both faces", "two panels counted", _prints_both_faces),
    ("a card is inserted and brought out unprinted", "no panel counted", _ejects_unprinted),
    ("a cleaning with a card inside (Scp)", "ERROR CARD, nothing counted", _is_not_cleaned),
]
