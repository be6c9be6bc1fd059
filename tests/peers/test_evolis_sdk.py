"""The card printer maker's own SDK (Evolis, PyPI `evolis-sdk`) uses the simulated printer.

On a network its printers take one command per connection and hang up after the answer; a driver of
ours keeps its connection. What stands between the two is the front below.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from config.products import PrintProfile
from controller.rendering.faces import FACE_HEIGHT_DOTS, FACE_WIDTH_DOTS
from controller.rendering.panels import (
    COLOUR_LEVELS,
    DOTS_A_LINE,
    FACE_AT,
    LINES,
    dots,
    k_panel,
    packed_in_seven_bits,
    panels_of,
)
from simulators.floor import (
    HAND,
    MAGAZINE,
    ChipMemory,
    Floor,
    PhysicalCard,
    infeed,
    inside,
    outfeed,
)
from simulators.machine import Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.wire import Wire, memory_pair
from tests.contract.ways import until
from tests.peers.peer import package, run

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

#: From eight bits a dot to seven.
HALF = bytes(value // 2 for value in range(256))
PURE_COLOURS = ((255, 255, 0), (255, 0, 255), (0, 255, 255), (0, 0, 255), (255, 0, 0), (0, 0, 0))
CLIENT = Path(__file__).with_name("evolis_client.py")


class Front:
    """One command, one answer, hang up."""

    def __init__(self, floor: Floor, printer: SimulatedPrinter, wire: Wire) -> None:
        self.floor = floor
        self.printer = printer
        self.heard: list[bytes] = []
        self.port = 0
        self._wire = wire

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = b""
        while not request.rstrip(b"\0").endswith(b"\r") and (data := await reader.read(1 << 16)):
            request += data
        if request:
            self.heard.append(request.strip(b"\0\r\x1b"))
            writer.write(await self.ask(request))
        else:
            # Said nothing and listens: it wants no answer, but the status words behind one.
            answer = await self.ask(b"\x1bRem\r")
            writer.write(answer[answer.index(b"\0") :])
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def sdk(self, *calls: str) -> list[Any]:
        """Let the SDK make these calls; gives what they returned."""
        said = await run(sys.executable, CLIENT, self.port, *calls)
        assert said.status == 0, said.text
        results: list[Any] = json.loads(said.text.splitlines()[-1])
        version, opened = results[:2]
        print(f"peer libevolis: {version}")
        assert opened
        return results[2:]

    async def ask(self, request: bytes) -> bytes:
        await self.send(request)
        return await self._wire.receive()

    async def send(self, request: bytes) -> None:
        await self._wire.send(request)


@asynccontextmanager
async def printer_for_sdk(cards: int = 1, ribbon: str = "ko") -> AsyncIterator[Front]:
    package("evolis-sdk")
    floor = Floor()
    floor.load_blanks(cards, (ChipMemory.new(bytes((n,)) * 8) for n in range(cards)))
    floor.move(MAGAZINE, infeed(0))
    settings = PrinterSettings(ribbon=ribbon, misprint_share=0.0, jam_share=0.0)
    printer = SimulatedPrinter(floor, 0, Pace(Random(1), 50.0), settings, "PRN-0815")
    near, far = memory_pair()
    front = Front(floor, printer, near)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(printer.serve(far))
        server = await asyncio.start_server(front.take, "127.0.0.1", 0)
        front.port = server.sockets[0].getsockname()[1]
        try:
            yield front
        finally:
            server.close()
            serving.cancel()


async def test_it_reads_model_serial_number_counters_ribbon_and_status() -> None:
    async with printer_for_sdk() as front:
        words, info, ribbon, inserted, printed = await front.sdk(
            "send_status_request", "get_info", "get_ribbon_info",
            "send_command=Rco;c", "send_command=Rco;p",
        )  # fmt: skip
    assert words["config"] == 0x80102000
    assert words["information"] == 0x20810000  # a card waits in the feeder
    assert (info["model"], info["serialNumber"], info["fwVersion"]) == (
        "Evolis_Primacy",
        "PRN-0815",
        "1.00",
    )
    assert info["printHeadKitNumber"] == "KIT-PRN-0815"
    # What the options are, it takes from our first status word.
    assert [info["hasFlip"], info["hasMagEnc"], info["hasSmartEnc"]] == [True, False, False]
    assert (ribbon["type"], ribbon["capacity"], ribbon["remaining"]) == ("KO", 1000, 1000)
    assert (inserted, printed) == ("0", "0")
    assert front.heard[:2] == [b"Rpst", b"Rtp;d"]


async def test_it_moves_a_card_and_sees_each_place_in_the_status() -> None:
    async with printer_for_sdk() as front:
        taken = await front.sdk("set_error_management=SOFTWARE", "insert_card", "enable_status")
        assert taken == [True, True, True]
        assert front.floor.at(inside(0)) is not None
        status, state, ejected, after = await front.sdk(
            "get_status", "get_state", "eject_card", "get_state"
        )
        assert status["information"] & 0x02000000  # at the print position
        assert state["minor"] == "PRINTER_READY"
        assert ejected
        assert after["minor"] == "DEF_CARD_ON_EJECT"
        assert front.floor.at(outfeed(0)) is not None
        assert await front.sdk("insert_card", "send_command=Rco;c") == [False, "1"]
        assert b"Si" in front.heard


async def test_it_finds_a_jam_and_clears_it() -> None:
    async with printer_for_sdk(cards=2) as front:
        front.printer.jam_next()
        inserted, _, state = await front.sdk("insert_card", "enable_status", "get_state")
        assert not inserted
        assert (state["major"], state["minor"]) == ("ERROR", "ERR_MECHANICAL")
        front.printer.clear_jam()
        front.floor.move(MAGAZINE, infeed(0))
        cleared, state, inserted = await front.sdk(
            "clear_mechanical_errors", "get_state", "insert_card"
        )
        assert (cleared, inserted) == (True, True)
        assert state["major"] == "READY"
        assert front.floor.at(HAND) is not None


def draw(mode: str, paper: int | tuple[int, int, int]) -> Image.Image:
    return Image.new(mode, (FACE_WIDTH_DOTS, FACE_HEIGHT_DOTS), paper)


def hand_over(face: Image.Image, folder: Path) -> None:
    """Put our face where the SDK finds it, in the middle of the printer's area."""
    whole = Image.new("RGB", (LINES, DOTS_A_LINE), "white")
    whole.paste(face.convert("RGB"), FACE_AT)
    whole.save(folder / "card.bmp")


async def print_stream(front: Front, folder: Path) -> PhysicalCard:
    """Send a whole job of the SDK's behind an insert; returns the card that comes out."""
    assert await front.ask(b"\x1bSi\r") == b"OK\0"
    await front.send((folder / "card.prn").read_bytes())
    await until(lambda: front.floor.at(outfeed(0)) is not None)
    card = front.floor.at(outfeed(0))
    assert card is not None
    return card


async def test_black_is_the_same_dots_in_the_same_order(tmp_path: Path) -> None:
    face = draw("1", 1)
    face.paste(0, (98, 45, 298, 85))  # neither turned nor mirrored is it the same
    face.paste(0, (98, 45, 118, 400))
    hand_over(face, tmp_path)
    async with printer_for_sdk() as front:
        assert await front.sdk(f"print_in_black={tmp_path}") == [[True, "OK"]]
        assert b"\x1bDb;k;2;" + k_panel(face) + b"\r" in (tmp_path / "card.prn").read_bytes()
        card = await print_stream(front, tmp_path)
    assert dots(card.front["K"]).tobytes() == face.tobytes()


async def test_colour_is_the_same_ink_on_the_same_panels(tmp_path: Path) -> None:
    """Pure colours, for the SDK corrects those between; it sends eight bits a dot and we seven.

    A black dot is on the black panel alone.
    """
    face = draw("RGB", (255, 255, 255))
    for number, colour in enumerate(PURE_COLOURS):
        face.paste(colour, (100 * number, 30, 100 * number + 80, 70 + number))
    hand_over(face, tmp_path)
    async with printer_for_sdk(ribbon="ymcko") as front:
        assert await front.sdk(f"print_in_colour={tmp_path}") == [[True, "OK"]]
        card = await print_stream(front, tmp_path)
    ours = panels_of(face, PrintProfile.COLOUR)
    assert list(card.front) == [panel.letter for panel in ours]
    for panel in ours:
        theirs = card.front[panel.letter]
        if panel.levels == COLOUR_LEVELS:
            theirs = packed_in_seven_bits(theirs.translate(HALF))
        assert theirs == panel.data, panel.letter
