"""The doors of a centre: who is let in, what comes back, and what becomes of the socket."""

import asyncio
import os
import pwd
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from controller.api.access import Access, Forbidden
from controller.api.async_client import AWAY, REFUSALS, AsyncVerbs
from controller.api.client import (
    CentreClient,
    NoAnswer,
    NotAllowed,
    NotRunning,
    RefusedByCentre,
    path_of,
)
from controller.api.door import CentreRuns, DoorError, open_door
from controller.api.server import make_app
from tests.unit.controller.office import ACCEPTANCE_NUMBER, ME, office, running

pytestmark = pytest.mark.real_time

NOBODY = 65534


async def get(path: Path, listing: str, **query: str | int) -> Any:
    """Read like a command does: from outside the loop."""
    return await asyncio.to_thread(CentreClient(path).get, listing, **query)


async def act(socket_path: Path, where: str, **body: Any) -> Any:
    """Act like a command does."""
    return await asyncio.to_thread(CentreClient(socket_path).act, where, body)


async def test_listings_over_the_socket_are_those_of_the_books(tmp_path: Path) -> None:
    async with running(tmp_path, on_disk=True) as (_, path):
        orders = await get(path, "/orders", limit=2)
        assert [row["id"] for row in orders] == ["O-00001-00001", "O-00001-00002"]
        card = await get(path, "/cards/C-0000004")
        assert card["state"] == "in doubt"
        assert card["events"][0]["text"] == "blank issued on line-1"
        status = await get(path, "/status")
        assert status["name"] == "office"
        assert status["running"] is True
        assert status["todo"] == 0
        for listing in ("batches", "boxes", "stations", "lines", "stock", "todo", "account"):
            assert await get(path, f"/{listing}") is not None


async def test_a_card_is_found_by_its_acceptance_number(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, path):
        found = await act(path, "/find-cards", what=ACCEPTANCE_NUMBER)
        assert [card["id"] for card in found] == ["C-0000001"]


async def test_an_act_is_on_record_with_the_unix_user_who_did_it(tmp_path: Path) -> None:
    async with running(tmp_path) as (verbs, path):
        await act(path, "/orders/O-00001-00004/hold", reason="wrong photo")
        last = list(verbs.ledger.store.events())[-1]
        assert last.draft.actor == f"user:{pwd.getpwuid(os.getuid()).pw_name}"
        assert (last.draft.order, last.draft.data["reason"]) == ("O-00001-00004", "wrong photo")


async def test_what_makes_no_sense_is_refused_with_the_reason(tmp_path: Path) -> None:
    async with running(tmp_path) as (verbs, path):
        before = verbs.ledger.sequence
        cases: list[tuple[str, dict[str, Any], str, str]] = [
            (path_of("orders", "O-00001-00001", "cancel"), {}, "verb.refused", "done"),
            (path_of("orders", "O-9", "cancel"), {}, "verb.refused", "no order O-9"),
            ("/boxes/..%2F..%2Fx/seal", {}, "api.no_such_path", "no such command"),
            (path_of("cards", "C-0000003", "spoil"), {}, "api.wrong_input", "reason"),
            (path_of("orders", "O-00001-00004", "explode"), {}, "api.wrong_input", "act"),
            (path_of("stock", "line-1", "load"), {"blanks": "9"}, "api.wrong_input", "blanks"),
            (path_of("stock", "line-1", "load"), {"blanks": 0}, "api.wrong_input", "blanks"),
            (path_of("stations", "x", "hold"), {"x": 1}, "api.wrong_input", "Extra inputs"),
            (path_of("packages"), {"path": "/nowhere.XML"}, "verb.refused", "cannot read"),
            (path_of("packages"), {"path": "/dev/zero"}, "verb.refused", "is not a file"),
            (path_of("nothing"), {}, "api.no_such_path", "no such command"),
        ]
        for where, body, code, text in cases:
            with pytest.raises(RefusedByCentre, match=text) as refused:
                await act(path, where, **body)
            assert refused.value.code == code
        with pytest.raises(RefusedByCentre, match="no card C-9"):
            await get(path, "/cards/C-9")
        assert verbs.ledger.sequence == before


async def test_a_reason_may_not_hold_what_the_ledger_must_not_keep(tmp_path: Path) -> None:
    async with running(tmp_path) as (verbs, path):
        before = verbs.ledger.sequence
        for reason in ("of 229901198001010017", "two\nlines", "\x1b[2Jgone", "x" * 201):
            with pytest.raises(RefusedByCentre) as refused:
                await act(path, "/orders/O-00001-00004/hold", reason=reason)
            assert refused.value.code == "api.wrong_input"
            assert reason not in str(refused.value), "what was sent is never repeated"
        assert verbs.ledger.sequence == before


async def test_while_the_ledger_cannot_be_written_acts_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path, ledger_fault=lambda: "the disk is full") as (_, path):
        with pytest.raises(RefusedByCentre, match="the disk is full") as refused:
            await act(path, "/orders/O-00001-00004/hold")
        assert refused.value.code == "ledger.unavailable"
        status = await get(path, "/status")
        assert status["ledger"]["fault"] == "the disk is full"


async def test_a_user_without_a_role_is_refused_even_a_look(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to become somebody else")
    async with running(tmp_path) as (verbs, path):
        before = verbs.ledger.sequence
        for folder in (tmp_path, *tmp_path.parents[:3], path.parent):
            folder.chmod(0o755)
        path.chmod(0o666)
        for request in (b"GET /status", b"POST /orders/O-00001-00004/hold"):
            answer = await asyncio.to_thread(_call_as_nobody, path, request)
            assert b" 403 " in answer
            assert b"has no role at this centre" in answer
        assert verbs.ledger.sequence == before


def _call_as_nobody(path: Path, request: bytes) -> bytes:
    """Call in a child process that has become somebody else."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(NOBODY)
            with socket.socket(socket.AF_UNIX) as door, door.makefile("rb") as answer:
                door.connect(str(path))
                door.sendall(request + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                os.write(writer, answer.read())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        return pipe.read()


async def test_root_the_centres_own_user_and_those_named_may(tmp_path: Path) -> None:
    del tmp_path
    nobody = pwd.getpwuid(NOBODY).pw_name
    assert Access(own_uid=NOBODY).actor(NOBODY) == f"user:{nobody}"
    assert Access(own_uid=NOBODY).actor(0) == "user:root"
    assert Access(operators=frozenset({nobody}), own_uid=0).actor(NOBODY) == f"user:{nobody}"
    group = Access(operator_groups=frozenset({"nogroup"}), own_uid=0)
    assert group.actor(NOBODY) == f"user:{nobody}"
    for access in (Access(own_uid=0), Access(operators=frozenset({"somebody"}), own_uid=0)):
        with pytest.raises(Forbidden, match=f"user {nobody} has no role"):
            access.actor(NOBODY)
    with pytest.raises(Forbidden, match="uid-3999999"):
        Access(operators=frozenset({""}), own_uid=0).actor(3999999)


async def test_the_socket_is_for_its_group_alone_and_goes_with_the_centre(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, path):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with pytest.raises(CentreRuns, match="another centre runs"), open_door(path):
            pass
        assert await get(path, "/status")
    assert not path.exists()
    with pytest.raises(NotRunning, match="no centre runs"):
        await get(path, "/status")


async def test_a_socket_that_a_killed_centre_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "run" / "centre.sock"
    path.parent.mkdir(mode=0o750)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(NotRunning):
        await get(path, "/status")
    async with running(tmp_path) as (_, again):
        assert await get(again, "/status")


async def test_a_door_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    alive = tmp_path / "alive.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(alive))
        other.listen()
        with pytest.raises(CentreRuns, match="somebody answers"), open_door(alive):
            pass
    assert alive.exists()
    plain = tmp_path / "plain"
    plain.write_text("mine")
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    cases = {
        plain: "is no socket",
        open_to_all / "s": "everybody may write",
        tmp_path / ("x" * 108): "longer than 107 bytes",
        plain / "s": "cannot be made",
    }
    for path, text in cases.items():
        with pytest.raises(DoorError, match=text), open_door(path):
            pass
    assert plain.read_text() == "mine"
    with pytest.raises(DoorError, match="no group nobodys"), open_door(tmp_path / "g", "nobodys"):
        pass


async def test_something_else_on_the_socket_is_told_from_a_centre(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-x\r\n\r\n")
        writer.close()

    server = await asyncio.start_unix_server(talk, path)
    async with server:
        with pytest.raises(NoAnswer, match="hung up"):
            await get(path, "/status")


async def test_a_person_in_another_process_has_the_same_verbs(tmp_path: Path) -> None:
    async with running(tmp_path) as (verbs, path), AsyncVerbs(path) as person:
        assert await person.find_card("c0ffee") == "C-0000001"
        assert await person.find_card("C-0000001") is None
        assert [card["id"] for card in await person.cards(state="in doubt")] == ["C-0000004"]
        await person.settle_card("C-0000004")
        assert verbs.ledger.books.cards["C-0000004"].state == "spoiled"
        await person.spoil_card("C-0000001", "scratched")
        assert verbs.ledger.books.cards["C-0000001"].state == "spoiled"
        assert verbs.ledger.books.orders["O-00001-00001"].state == "queued"
        await act(path, "/orders/O-00001-00004/hold")
        assert [item.need for item in await person.todo()] == ["order held"]
        for refused in (
            person.release_order("O-00001-00004"),
            person.judge_card("C-0000003"),
            person.judge_card("C-0000003", "scratched"),
            person.load_stock("line-1", 5),
            person.unhold_station("printer-1"),
            person.clear_station("printer-1"),
            person.start_station("printer-1"),
            person.hold_station("printer-1"),
            person.start_line("line-1"),
        ):
            with pytest.raises(REFUSALS):
                await refused
    async with AsyncVerbs(path) as person:
        with pytest.raises(AWAY):
            await person.todo()


async def test_a_caller_over_a_network_is_nobody(tmp_path: Path) -> None:
    verbs = await office(tmp_path)
    app = make_app(verbs, verbs.ledger, ME)
    import httpx

    transport = httpx.ASGITransport(app, client=("127.0.0.1", os.getuid()))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/status")
    verbs.ledger.close()
    assert answer.status_code == 403
    assert NotAllowed.code == "centre.not_allowed"
