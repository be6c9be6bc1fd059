"""What one call of the command knows: the centre's file, and the way to its API or its ledger.

Listings come from the running centre, else from the ledger's file; acts need a running centre.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.command_line.problems import No, WrongUse, emit

if TYPE_CHECKING:  # importing these takes longer than most commands run
    from config.centre import Centre
    from controller.api.client import CentreClient
    from controller.command_line.doors import Doors

CENTRE_FILE = "centre.toml"
PAGE = 500  # rows that a centre hands out at once


@dataclass(slots=True)
class Session:
    """One call of `cardcentre`."""

    centre_file: Path | None
    debug: bool = False

    def file(self) -> Path:
        """Return the centre's file, wherever it was named."""
        if self.centre_file is not None:
            return self.centre_file
        if Path(CENTRE_FILE).is_file():
            return Path(CENTRE_FILE)
        raise WrongUse(
            "which centre? give --centre FILE, set CARDCENTRE_FILE, or go where a centre.toml is"
        )

    def has_file(self) -> bool:
        """Tell whether a centre was named or is at hand."""
        return self.centre_file is not None or Path(CENTRE_FILE).is_file()

    def config(self) -> Centre:
        """Read and check the whole file."""
        from config.centre import load_centre
        from config.loading import ConfigError

        try:
            return load_centre(self.file())
        except ConfigError as error:
            raise WrongUse(str(error)) from error

    def doors(self) -> Doors:
        """Read where the socket and the ledger are."""
        from controller.command_line.doors import Odd, read_doors

        try:
            return read_doors(self.file())
        except Odd:
            self.config()  # says what is wrong with it
            raise

    def act(
        self, *parts: str, body: Mapping[str, Any] | None = None, timeout_s: float = 30.0
    ) -> Any:
        """Have a running centre do something, once."""
        from controller.api.client import path_of

        return self._ask(lambda centre: centre.act(path_of(*parts), body, timeout_s))

    @contextmanager
    def stream(
        self, *parts: str, body: Mapping[str, Any], timeout_s: float
    ) -> Iterator[Iterator[bytes]]:
        """Have a running centre do something whose answer comes line by line."""
        from controller.api.client import path_of

        with ExitStack() as stack:
            yield self._ask(
                lambda centre: stack.enter_context(centre.stream(path_of(*parts), body, timeout_s))
            )

    def ask(self, *parts: str, **query: str | int) -> Any:
        """Return a listing of a running centre; an act that asks first needs it to be there."""
        from controller.api.client import path_of

        return self._ask(lambda centre: centre.get(path_of(*parts), **query))

    def listing(self, *parts: str, **query: str | int) -> Any:
        """Return a listing of the running centre, or of the ledger as it was last written."""
        from controller.api.client import NotRunning, path_of

        try:
            return self._translated(lambda centre: centre.get(path_of(*parts), **query))
        except NotRunning:
            return self._from_the_ledger(parts, query)

    def rows(self, listing: str, limit: int, **query: str) -> list[dict[str, Any]]:
        """Return the first rows of a long listing (0: all), and say when there are more."""
        from controller.api.client import NotRunning

        wanted = limit or sys.maxsize - 1
        try:
            found = self._translated(lambda centre: _pages(centre, listing, wanted + 1, query))
        except NotRunning:
            found = self._from_the_ledger((listing,), {**query, "limit": wanted + 1})
        if len(found) > wanted:
            self.tell(f"the first {wanted} are shown; --limit 0 shows all")
            del found[wanted:]
        rows: list[dict[str, Any]] = found
        return rows

    def find_cards(self, what: str) -> Any:
        """Return the cards that something names."""
        from controller.api.client import NotRunning

        try:
            return self._translated(lambda centre: centre.act("/find-cards", {"what": what}))
        except NotRunning:
            return self._from_the_ledger(("find-cards",), {"what": what})

    def _from_the_ledger(self, parts: tuple[str, ...], query: Mapping[str, str | int]) -> Any:
        from controller.command_line.offline import read_listing

        doors = self.doors()
        found = read_listing(doors, parts, query)
        self.tell(f"no centre runs; this is from {doors.ledger}, as last written")
        return found

    def _ask(self, call: Callable[[CentreClient], Any]) -> Any:
        from controller.api.client import NotRunning

        try:
            return self._translated(call)
        except NotRunning as error:
            raise No(f"{error}: start it with `cardcentre run`") from error

    def _translated(self, call: Callable[[CentreClient], Any]) -> Any:
        from controller.api.client import CentreClient, CentreError, NotRunning

        try:
            return call(CentreClient(self.doors().socket))
        except NotRunning:
            raise
        except CentreError as error:
            problem = WrongUse if error.code == "api.wrong_input" else No
            raise problem(str(error)) from error

    def say(self, text: str) -> None:
        """Say what was done."""
        emit(text)

    def tell(self, text: str) -> None:
        """Say something beside the output."""
        click.echo(f"cardcentre: {text}", err=True)

    def confirm(self, yes: bool, describe: Callable[[], str]) -> None:
        """Say what is going to be done and ask, unless told to go ahead."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise WrongUse("this asks before it is done: give --yes where nobody can answer")
        click.echo(describe(), err=True)
        if not click.confirm("Go on?", err=True):
            raise No("nothing was done")


def _pages(
    centre: CentreClient, listing: str, wanted: int, query: Mapping[str, str]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < wanted:
        after = str(found[-1]["id"]) if found else ""
        page = centre.get(f"/{listing}", **query, after=after, limit=min(PAGE, wanted))
        found += page
        if len(page) < PAGE:
            break
    return found


pass_session = click.make_pass_decorator(Session)
