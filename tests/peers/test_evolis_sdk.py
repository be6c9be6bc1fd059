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

from controller.rendering.faces import FACE_HEIGHT_DOTS, FACE_WIDTH_DOTS
from controller.rendering.panels import DOTS_A_LINE, FACE_AT, LINES, dots, k_panel
from simulators.floor import HAND, MAGAZINE, ChipMemory, Floor, infeed, inside, outfeed
from simulators.machine import Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.wire import Wire, memory_pair
from tests.contract.ways import until
from tests.peers.peer import package, run

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

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
async def printer_for_sdk(cards: int = 1) -> AsyncIterator[Front]:
    package("evolis-sdk")
    floor = Floor()
    floor.load_blanks(cards, (ChipMemory.new(bytes((n,)) * 8) for n in range(cards)))
    floor.move(MAGAZINE, infeed(0))
    settings = PrinterSettings(misprint_share=0.0, jam_share=0.0)
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


async def test_the_maker_s_bitmap_is_ours_and_prints_as_one_stream(tmp_path: Path) -> None:
    """The same picture gives the same dots in the same order; the printer takes the job whole."""
    face = Image.new("1", (FACE_WIDTH_DOTS, FACE_HEIGHT_DOTS), 1)
    face.paste(0, (98, 45, 298, 85))  # neither way up nor mirrored is it the same
    face.paste(0, (98, 45, 118, 400))
    whole = Image.new("RGB", (LINES, DOTS_A_LINE), "white")
    whole.paste(face.convert("RGB"), FACE_AT)
    whole.save(tmp_path / "card.bmp")
    async with printer_for_sdk() as front:
        [made] = await front.sdk(f"print_to_file={tmp_path}")
        assert made == [True, "OK"]
        stream = (tmp_path / "card.prn").read_bytes()
        assert b"\x1bDb;k;2;" + k_panel(face) + b"\r" in stream
        assert await front.ask(b"\x1bSi\r") == b"OK\0"
        await front.send(stream)
        await until(lambda: front.floor.at(outfeed(0)) is not None)
        card = front.floor.at(outfeed(0))
        assert card is not None
        printed = card.front["K"]
        assert dots(printed).tobytes() == face.tobytes()
