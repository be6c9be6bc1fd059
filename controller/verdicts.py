"""The verdict on a card that was read back: field by field, and whose card it is. Pure."""

from controller.acts import Finish
from drivers.chip_profile import ChipContents
from drivers.reader import ReadBack
from jobs import chip_text
from jobs.rows import Card
from jobs.states import CardTrigger

TEXT_FILE, PHOTO_FILE = 1, 2
BLANK_TEXTS = (bytes(256), b"\xff" * 256)


def judge_read_back(card: Card, expected: ChipContents, read: ReadBack) -> Finish:
    """Compare what an independent reader found with what was ordered.

    A stranger's data put the card in doubt and ask for a person; any other difference condemns the
    card. Names of fields go into the books, never their contents.
    """
    differing = list(chip_text.compare(expected.files[TEXT_FILE], read.text))
    if read.photo != expected.files[PHOTO_FILE]:
        differing.append("photo")
    if read.card_serial is not None and read.card_serial != expected.card_serial:
        differing.append("card serial")
    other_chip = read.chip_serial is not None and read.chip_serial.hex() != card.chip_serial
    if other_chip or _is_a_strangers(differing, read):
        return {
            "stranger": True,
            "trigger": CardTrigger.DOUBT.value,
            "reason": "stranger's data: " + ", ".join([*differing, *["chip serial"] * other_chip]),
        }
    if differing:
        return {"reason": f"read-back differs: {', '.join(differing)}"}
    return {"trigger": CardTrigger.VERIFY.value}


def _is_a_strangers(differing: list[str], read: ReadBack) -> bool:
    # A damaged reading differs in something; another person's card differs in who it is.
    whole_person = {"xm", "gmsfhm"} <= set(differing)
    return whole_person and read.text not in BLANK_TEXTS
