"""What a retransfer printer must do with a card: feed it, print it, bring it out, and count.

Each check uses up one card, which lies at the infeed beforehand.
"""

from collections.abc import Sequence
from typing import Final

from drivers.conformance.bench import Bench, Run
from drivers.conformance.check import Failed, Skipped
from drivers.conformance.retransfer_dialogue import code, settled, status
from drivers.numbered import next_number
from drivers.retransfer_frames import (
    Ask,
    CardAt,
    Code,
    RetransferStatus,
    number_payload,
    plane_payload,
    print_payload,
)

#: One line of ink: little ribbon, yet a whole plane.
ONE_LINE: Final = bytes(83 * 500) + b"\xff" * 83 + bytes(83 * 535)


async def _fed(bench: Bench) -> RetransferStatus:
    before = await status(bench)
    if not before.card_at_infeed:
        raise Skipped("no card is at the infeed")
    if before.card is not CardAt.NOWHERE or before.card_at_outfeed:
        raise Skipped("a card is in the printer or at its outfeed")
    await code(bench, Ask.FEED, number_payload(next_number(before.started)), Code.DONE)
    after = await settled(bench)
    if after.cards_fed != before.cards_fed + 1 or not after.card_at_print_position:
        raise Failed(f"{after.cards_fed - before.cards_fed} fed, card {after.card.name.lower()}")
    return after


async def _brought_out(bench: Bench) -> str:
    number = next_number((await status(bench)).started)
    await code(bench, Ask.EJECT, number_payload(number), Code.DONE)
    after = await settled(bench)
    if after.finished != number or after.card is not CardAt.NOWHERE:
        raise Failed(f"finished {after.finished}, card {after.card.name.lower()}")
    return "the card is out"


async def _prints_both_faces(bench: Bench) -> str:
    before = await _fed(bench)
    again = number_payload(next_number(before.started))
    await code(bench, Ask.FEED, again, Code.CARD_INSIDE)
    sent = [(b"\0K", ONE_LINE), (b"\1K", ONE_LINE)]
    for name, dots in sent:
        await code(bench, Ask.PLANE, plane_payload(name, dots), Code.DONE)
    number = next_number((await status(bench)).started)
    await code(bench, Ask.PRINT, print_payload(number, sent), Code.DONE)
    if not (now := await status(bench)).moving:
        raise Failed(f"it is {now.phase.name.lower()} in the middle of a print")
    await code(bench, Ask.FEED, number_payload(next_number(number)), Code.BUSY)
    after = await settled(bench)
    seen = (after.finished, after.printed, after.faces_pressed)
    if seen != (number, number, 2) or after.cards_printed != before.cards_printed + 1:
        raise Failed(f"finished, printed, faces: {seen}, sent {number}")
    await code(bench, Ask.PRINT, print_payload(number, sent), Code.KNOWN)
    return await _brought_out(bench)


async def _ejects_unprinted(bench: Bench) -> str:
    before = await _fed(bench)
    seen = await _brought_out(bench)
    if (await status(bench)).printed != before.printed:
        raise Failed("it counts as printed")
    return seen


async def _is_not_cleaned(bench: Bench) -> str:
    before = await _fed(bench)
    number = number_payload(next_number(before.started))
    seen = await code(bench, Ask.CLEAN, number, Code.CARD_INSIDE)
    if await status(bench) != before:
        raise Failed(f"{seen}, but the status is another one")
    return f"{seen}; {await _brought_out(bench)}"


CARD_ROWS: Final[Sequence[tuple[str, str, Run]]] = [
    ("a card is fed, printed on both faces and brought out", "each number and counter follows",
     _prints_both_faces),
    ("a card is fed and brought out unprinted", "no print counted", _ejects_unprinted),
    ("clean with a card inside", "code 06, status unchanged", _is_not_cleaned),
]  # fmt: skip
