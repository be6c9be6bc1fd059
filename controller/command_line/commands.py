"""The table of commands, and how every command ends.

It starts at once: whatever a command needs is imported when that command is called.
"""

import os
import sys
from errno import ENOSPC
from pathlib import Path

import click

from controller.command_line.lazy import Entry, LazyGroup
from controller.command_line.problems import (
    INTERRUPTED,
    OUR_FAULT,
    READER_GONE,
    OutputLost,
    ReaderGone,
)
from controller.command_line.session import Session

STANDARD_OUTPUT = 1

_HERE = "controller.command_line"
ENTRIES = {
    "demo": Entry(f"{_HERE}.running:demo", "Watch a whole simulated centre make cards."),
    "run": Entry(f"{_HERE}.running:run", "Run the centre until it is stopped."),
    "simulate": Entry(f"{_HERE}.running:simulate", "Run a simulated centre in virtual time."),
    "status": Entry(f"{_HERE}.centre:status", "Show the centre at a glance."),
    "todo": Entry(f"{_HERE}.centre:todo", "List what waits for a person, with the answers."),
    "intake": Entry(f"{_HERE}.orders:intake", "Take packages in."),
    "batch": Entry(f"{_HERE}.orders:batch", "List, show, release, hold or cancel batches."),
    "order": Entry(f"{_HERE}.orders:order", "List, show, hold, cancel or remake orders."),
    "card": Entry(f"{_HERE}.cards:card", "Find, show, settle, spoil or judge cards."),
    "box": Entry(f"{_HERE}.cards:box", "List, show or seal boxes."),
    "stock": Entry(f"{_HERE}.cards:stock", "Show, load or return blanks."),
    "station": Entry(f"{_HERE}.stations:station", "List and command the stations."),
    "line": Entry(f"{_HERE}.stations:line", "Start, stop or show the lines."),
    "report": Entry(f"{_HERE}.reports:report", "Targets, shifts, quality, stations, blanks."),
    "audit": Entry(f"{_HERE}.reports:audit", "Prove that the ledger is whole."),
    "package": Entry(f"{_HERE}.packages:package", "Make synthetic packages, or judge one."),
    "config": Entry(f"{_HERE}.configuration:config", "Check a centre's file."),
    "conformance": Entry(
        f"{_HERE}.commissioning:conformance_command", "Check a machine against its documents."
    ),
    "capture": Entry(
        f"{_HERE}.captures:capture", "Show what was captured of a wire, or unseal it."
    ),
    "simulators": Entry(f"{_HERE}.running:simulators", "Serve simulated machines to anybody."),
}


@click.group(
    cls=LazyGroup,
    entries=ENTRIES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--centre",
    "centre_file",
    type=click.Path(path_type=Path),
    envvar="CARDCENTRE_FILE",
    help="The centre's file; else CARDCENTRE_FILE, else ./centre.toml.",
)
@click.option("--debug", is_flag=True, help="Show where an unexpected fault came from.")
@click.version_option(package_name="cardcentre")
@click.pass_context
def cli(context: click.Context, centre_file: Path | None, *, debug: bool) -> None:
    """Run a card centre, and see where every card is.

    Exit codes: 0 done, 1 the answer is no, 2 wrong use or configuration.
    """
    context.obj = Session(centre_file, debug)


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    _open_what_is_closed()
    try:
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot show a character must not end a command.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        result = cli.main(arguments, prog_name="cardcentre", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (ReaderGone, BrokenPipeError):
        # Keeps Python from complaining at exit that nobody reads any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), STANDARD_OUTPUT)
        return READER_GONE
    except OSError as error:
        if error.errno != ENOSPC:
            return _our_fault(error, arguments)
        OutputLost(f"nothing more can be written: {error.strerror}").show()
        return OutputLost.exit_code
    except Exception as error:  # noqa: BLE001  (the last boundary: an operator sees no traceback)
        return _our_fault(error, arguments)
    return result if isinstance(result, int) else 0


def _open_what_is_closed() -> None:
    """Let a command that was started without its streams (`>&-`, some services) do its work."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115  (open to the end)
            setattr(sys, name, stream)


def _our_fault(error: Exception, arguments: list[str]) -> int:
    from controller.command_line.our_fault import our_fault_line

    if "--debug" in arguments:
        import traceback

        traceback.print_exception(error)
    print(our_fault_line(error), file=sys.stderr)  # noqa: T201  (the last words)
    return OUR_FAULT
