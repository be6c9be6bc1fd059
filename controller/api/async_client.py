"""A person's verbs over a running centre's socket, for the simulated operator in another process.

The same names as `controller/person.py`, which is for one in the same process; the centre records
the Unix user as the actor.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from controller.api.client import (
    ANSWER_TIMEOUT_S,
    NoAnswer,
    NotAllowed,
    NotRunning,
    RefusedByCentre,
    answer,
    path_of,
)

#: What a verb raises when it makes no sense now, and while no centre is there to hear it.
REFUSALS = (RefusedByCentre, NotAllowed)
AWAY = (NotRunning, NoAnswer)


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that waits for a person."""

    need: str
    subject: str
    reason: str
    code: str
    command: str = ""
    may_be_at: tuple[str, ...] = ()


class AsyncVerbs(AbstractAsyncContextManager["AsyncVerbs"]):
    """The verbs of the centre behind a socket, whichever runs there at the moment."""

    def __init__(self, socket_path: Path) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket_path)),
            base_url="http://centre",
            timeout=ANSWER_TIMEOUT_S,
        )

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def todo(self) -> list[Task]:
        """Return what waits for a person."""
        found = await self._call("GET", "/todo")
        return [Task(**(item | {"may_be_at": tuple(item["may_be_at"])})) for item in found]

    async def cards(self, **wanted: str) -> list[dict[str, Any]]:
        """Return one page of cards: by `state`, `batch`, `line`, those `after` an id."""
        found: list[dict[str, Any]] = await self._call("GET", "/cards", params=wanted)
        return found

    async def find_card(self, card_serial: str) -> str | None:
        """Return the card that carries a card serial."""
        found = await self._call("POST", "/find-cards", json={"what": card_serial})
        return next((card["id"] for card in found if card["card_serial"] == card_serial), None)

    async def hold_station(self, name: str, reason: str = "") -> None:
        """Hold a station."""
        await self._act("stations", name, "hold", reason=reason)

    async def unhold_station(self, name: str) -> None:
        """Let a held station work again."""
        await self._act("stations", name, "unhold")

    async def clear_station(self, name: str) -> None:
        """Say that the cause of an abort has been seen to."""
        await self._act("stations", name, "clear")

    async def start_station(self, name: str) -> None:
        """Bring a stopped station up."""
        await self._act("stations", name, "start")

    async def start_line(self, name: str) -> None:
        """Authorise a line."""
        await self._act("lines", name, "start")

    async def settle_card(self, card: str, *, found_at: str = "") -> None:
        """Say that a doubtful card lies in the reject bin, or where it was found."""
        await self._act("cards", card, "settle", found_at=found_at)

    async def spoil_card(self, card: str, reason: str) -> None:
        """Say that a card is bad."""
        await self._act("cards", card, "spoil", reason=reason)

    async def judge_card(self, card: str, reason: str = "") -> None:
        """Accept a card, or reject it for a reason."""
        if reason:
            await self._act("cards", card, "reject", reason=reason)
        else:
            await self._act("cards", card, "accept")

    async def load_stock(self, line: str, blanks: int) -> None:
        """Record blanks put into a magazine."""
        await self._act("stock", line, "load", blanks=blanks)

    async def release_order(self, order: str) -> None:
        """Let a held order be made after all."""
        await self._act("orders", order, "release")

    async def _act(self, *parts: str, **body: str | int) -> None:
        await self._call("POST", path_of(*parts), json=body)

    async def _call(self, method: str, path: str, **more: Any) -> Any:
        try:
            response = await self._client.request(method, path, **more)
        except httpx.ConnectError as error:
            raise NotRunning("no centre runs on the socket") from error
        except httpx.TransportError as error:
            raise NoAnswer(f"the centre did not answer ({type(error).__name__})") from error
        return answer(response.status_code, response.content)
