"""Machines: `station` and `line`."""

from pathlib import Path
from typing import Any

import click

from controller.command_line.output import Column, Page, json_option, write_json, yes_option
from controller.command_line.problems import WrongUse
from controller.command_line.session import Session, pass_session

STATION = [
    Column("name", "station"),
    Column("line", "line"),
    Column("kind", "kind"),
    Column("state", "state"),
    Column("since", "since"),
    Column("act", "act"),
    Column("cards", "card"),
    Column("reason", "reason", wraps=True),
    Column("code", "code"),
    Column("machine_serial", "machine", wraps=True),
    Column("cleaning", "cleaning"),
]
LINE = [
    Column("name", "line"),
    Column("running", "feeding"),
    Column("in_process", "cards on it"),
    Column("in_magazine", "blanks"),
    Column("reason", "reason", wraps=True),
]

#: Longer than the centre itself waits for a printer.
CLEANING_TIMEOUT_S = 930.0

name_argument = click.argument("name", metavar="STATION")
line_argument = click.argument("name", metavar="[LINE]", default="")
reason_option = click.option("--reason", default="", help="Why; it is kept in the ledger.")


@click.group()
def station() -> None:
    """List and command the stations."""


@station.command("list")
@json_option
@pass_session
def station_list(session: Session, *, as_json: bool) -> None:
    """List the stations in line order."""
    _show(session.listing("stations"), STATION, as_json=as_json)


@station.command("hold")
@name_argument
@reason_option
@pass_session
def station_hold(session: Session, name: str, reason: str) -> None:
    """Hold a station; what it is doing is finished first."""
    session.act("stations", name, "hold", body={"reason": reason})
    session.say(f"{name} is held")


@station.command("unhold")
@name_argument
@pass_session
def station_unhold(session: Session, name: str) -> None:
    """Let a held station work again, after seeing to the cause."""
    session.act("stations", name, "unhold")
    session.say(f"{name} is told to go on; `cardcentre station list` shows whether it does")


@station.command("clear")
@name_argument
@pass_session
def station_clear(session: Session, name: str) -> None:
    """Say that the cause of an abort has been seen to; the station can then be started."""
    session.act("stations", name, "clear")
    session.say(f"{name} is cleared; `cardcentre station start {name}` brings it up")


@station.command("stop")
@name_argument
@yes_option
@pass_session
def station_stop(session: Session, name: str, *, yes: bool) -> None:
    """Stop a station; what it is doing is finished first."""

    def describe() -> str:
        found = [row for row in session.ask("stations") if row["name"] == name]
        doing = f" It finishes {found[0]['act']} first." if found and found[0]["act"] else ""
        return f"This stops {name}: it takes no more cards until it is started.{doing}"

    session.confirm(yes, describe)
    session.act("stations", name, "stop")
    session.say(f"{name} is stopped")


@station.command("start")
@name_argument
@pass_session
def station_start(session: Session, name: str) -> None:
    """Bring a stopped station up; it homes and warms up first."""
    session.act("stations", name, "start")
    session.say(f"{name} is coming up; `cardcentre station list` shows when it is there")


@station.command("maintain")
@name_argument
@click.argument("act", type=click.Choice(["begin", "end"]))
@reason_option
@click.option(
    "--samples", default=0, type=click.IntRange(0), metavar="N",
    help="With end: blanks taken out of the line's magazine and used up as test cards.",
)  # fmt: skip
@pass_session
def station_maintain(session: Session, name: str, act: str, reason: str, samples: int) -> None:
    """Bracket a technician's work: from begin to end the station takes no card.

    The centre hangs up the machine's port meanwhile. Afterwards a person starts the station.
    """
    if act == "end":
        body = {"reason": reason, "samples": samples}
        session.act("stations", name, "maintain", "end", body=body)
        session.say(f"{name} is given back; `cardcentre station start {name}` brings it up")
        return
    if samples:
        raise WrongUse("samples are counted at the end of the work")
    session.act("stations", name, "maintain", "begin", body={"reason": reason})
    found = [row for row in session.ask("stations") if row["name"] == name]
    doing = f"; wait until it has finished {found[0]['act']}" if found and found[0]["act"] else ""
    session.say(f"{name} is stopped for maintenance{doing}")


@station.command("clean")
@name_argument
@pass_session
def station_clean(session: Session, name: str) -> None:
    """Clean a printer with the cleaning card that is in its slot; takes a minute or two.

    Only while a technician has it (`station maintain STATION begin`). No blank is used up.
    """
    session.act("stations", name, "clean", timeout_s=CLEANING_TIMEOUT_S)
    session.say(f"{name} is cleaned; `cardcentre station maintain {name} end` gives it back")


@station.command("capture")
@name_argument
@click.option(
    "--for", "duration", default="60s", show_default=True, metavar="TIME",
    help="How long at most, like 90s or 5m; Ctrl-C ends it before.",
)  # fmt: skip
@click.option("--to", "path", required=True, type=click.Path(path_type=Path), help="A new file.")
@pass_session
def station_capture(session: Session, name: str, duration: str, path: Path) -> None:
    """Capture what goes over a station's wire while it works.

    The bytes are sealed; `cardcentre capture show FILE` tells the dialogue.
    """
    from controller.command_line.captures import capture_station, seconds_of  # loads the drivers

    capture_station(session, name, seconds_of(duration), path)


@station.command("probe")
@click.argument("url", metavar="URL")
@json_option
@pass_session
def station_probe(session: Session, url: str, *, as_json: bool) -> None:
    """Find out what is on a port, with questions that change nothing.

    Without settings in the URL (serial:///dev/ttyUSB0) the likely ones are tried one by one.
    """
    from controller.command_line.commissioning import show_probe  # loads the drivers

    show_probe(session, url, as_json=as_json)


@station.command("speed")
@click.argument("url", metavar="URL")
@click.argument("bit_rate", metavar="BIT_RATE", type=int)
@pass_session
def station_speed(session: Session, url: str, bit_rate: int) -> None:
    """Set a read-back reader on a serial port to another speed: 115200 down to 9600.

    It is looked for at the likely speeds first. Write the new one into the centre's file.
    """
    from controller.command_line.commissioning import set_speed  # loads the drivers

    set_speed(session, url, bit_rate)


@station.command("exercise")
@click.argument("where", metavar="STATION|URL")
@json_option
@pass_session
def station_exercise(session: Session, where: str, *, as_json: bool) -> None:
    """Run a machine through its verbs, without using up a card; the centre must not be running.

    A laminator and a transport home, and a fault is cleared: let the machine be empty.
    """
    from controller.command_line.commissioning import show_exercise  # loads the drivers

    show_exercise(session, where, as_json=as_json)


@click.group()
def line() -> None:
    """Start, stop or show the lines."""


@line.command("start")
@line_argument
@pass_session
def line_start(session: Session, name: str) -> None:
    """Authorise a line: its stations come up and feeding begins."""
    name = name or _only_line(session)
    session.act("lines", name, "start")
    session.say(f"{name} is started; its stations are coming up")


@line.command("stop")
@line_argument
@reason_option
@yes_option
@pass_session
def line_stop(session: Session, name: str, reason: str, *, yes: bool) -> None:
    """Stop feeding a line; the cards on it are finished."""

    def describe() -> str:
        wanted = name or _only_line(session)
        cards = sum(row["in_process"] for row in session.ask("lines") if row["name"] == wanted)
        return f"This stops feeding {wanted}; the {cards} cards on it are finished."

    session.confirm(yes, describe)
    name = name or _only_line(session)
    session.act("lines", name, "stop", body={"reason": reason})
    session.say(f"{name} is stopped")


@line.command("status")
@json_option
@pass_session
def line_status(session: Session, *, as_json: bool) -> None:
    """Show what each line does."""
    _show(session.listing("lines"), LINE, as_json=as_json)


def _only_line(session: Session) -> str:
    """Return the centre's one line; with several it must be said which."""
    names = [str(row["name"]) for row in session.ask("lines")]
    if len(names) != 1:
        raise WrongUse(f"say which line: {', '.join(names)}")
    return names[0]


def _show(rows: list[dict[str, Any]], columns: list[Column], *, as_json: bool) -> None:
    if as_json:
        write_json(rows)
        return
    page = Page()
    page.table(columns, rows, empty="none")
    page.write()
