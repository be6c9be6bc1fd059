"""The commands that start something: `run`, `simulate`, `demo` and `simulators serve`.

They read files and options, print what comes of it and set the exit code; the work is done in
`controller/running.py`, `machine_server.py`, `simulating.py` and `demonstration.py`.
"""

import asyncio
import cProfile
import json
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Self

import click

from config.centre import Centre, Purpose, load_centre, shipped_centre, wires
from config.loading import ConfigError
from controller.command_line.problems import WrongUse

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
NO, WRONG_USE = 1, 2
_OF_PROGRAMME = ("year", "scale", "day", "html", "lang")


def _fail(message: str, code: int) -> SystemExit:
    click.echo(f"cardcentre: {message}", err=True)
    return SystemExit(code)


def _say(text: str) -> None:
    """Tell what is going on; a centre goes on when nobody reads it any more."""
    with suppress(OSError):
        click.echo(text)


def _centre_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--centre", type=_FILE, help="The centre's file.")(command)


def _loaded(file: Path | None) -> tuple[Path, Centre]:
    """Read the file named here, before the command, or in this folder."""
    found = file or click.get_current_context().find_root().params.get("centre_file")
    path = Path(found or "centre.toml")
    if not found and not path.exists():
        raise _fail(
            "which centre? give --centre FILE, set CARDCENTRE_FILE, or go where a centre.toml is",
            WRONG_USE,
        )
    try:
        return path, load_centre(path)
    except ConfigError as error:
        raise _fail(str(error), WRONG_USE) from error


def _run(work: Coroutine[Any, Any, None]) -> None:
    from controller.real_process import CannotRun

    try:
        asyncio.run(work)
    except CannotRun as error:
        raise _fail(str(error), NO) from error


@click.command()
@_centre_option
def run(centre: Path | None) -> None:
    """Run a centre until it is told to stop (Ctrl-C, SIGTERM)."""
    from controller.running import run_centre

    _, config = _loaded(centre)
    _run(run_centre(config, _say))


@click.group()
def simulators() -> None:
    """Machines made of software, for anybody's client."""


@simulators.command()
@_centre_option
@click.option("--on", type=click.Choice(["pty", "tcp"]), default="pty", show_default=True)
@click.option(
    "--folder", type=_FOLDER, default=Path("simulators"), help="Where links and centre.toml go."
)
@click.option("--pace", type=click.FloatRange(0.01, 1000), help="Divide machine times by this.")
@click.option("--operator", type=_FILE, help="Look after the centre on this socket.")
@click.option(
    "--inventory", type=_FILE, help="Tell in this file what lies where: at the end, on SIGUSR1."
)
def serve(
    centre: Path | None,
    on: str,
    folder: Path,
    pace: float | None,
    operator: Path | None,
    inventory: Path | None,
) -> None:
    """Serve a centre's machines on pseudo-terminals or TCP ports."""
    from controller.machine_server import ServingPlan, serve_simulators

    file, config = _loaded(centre)
    if config.simulation is None or config.purpose is Purpose.PRODUCTION:
        raise _fail(f"{file}: only a simulated centre's machines can be served", WRONG_USE)
    factor = config.simulation.pace if pace is None else pace
    plan = ServingPlan(file, config, on, folder, factor, operator, inventory)
    _run(serve_simulators(plan, _say))


@click.command()
@click.option("--orders", type=click.IntRange(1, 1_000_000), default=200, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--counties", type=click.IntRange(1, 9), default=3, show_default=True)
@click.option("--faults", type=click.IntRange(0, 10_000), default=0, help="Faulty applications.")
@_centre_option
@click.option("--ledger", type=_FILE, help="Keep the ledger in this new file.")
@click.option("--out", type=_FOLDER, help="Write manifests and receipts there.")
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
@click.option("--profile", is_flag=True, help="Tell where the time goes.")
@click.option("--programme", metavar="NAME|FILE", help="Run a year of this programme, or a day.")
@click.option("--year", type=int, help="Of the programme.")
@click.option("--scale", type=click.IntRange(1), help="Divide the year by this; 1000 if not given.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Only this day, at full size.")
@click.option("--html", type=_FILE, help="Write the year's report to this file.")
@click.option("--lang", type=click.Choice(["en", "zh"]), help="In this language, else in both.")
@click.pass_context
def simulate(
    context: click.Context,
    /,
    orders: int,
    seed: int,
    counties: int,
    faults: int,
    centre: Path | None,
    ledger: Path | None,
    out: Path | None,
    as_json: bool,
    profile: bool,
    programme: str | None,
    **of_programme: Any,
) -> None:
    """Run a whole centre in virtual time and account for every card.

    With --programme it is a year of that programme: a fraction of its people, on machines that are
    that much slower by the calendar, so that the target is as hard to reach as the whole one.
    """
    from controller.simulating import SimulationPlan, simulate
    from controller.simulation_report import report
    from controller.virtual_time import VirtualTimeLoop

    _only_options_that_fit(context, programme)
    named = centre or context.find_root().params.get("centre_file")
    _, config = _loaded(named or shipped_centre("jilin" if programme else "simulated"))
    if config.purpose is Purpose.PRODUCTION:
        raise _fail("a production centre is not simulated: its wires lead to machines", WRONG_USE)
    _only_machines_of_this_process(config)
    if ledger is not None and ledger.exists():
        raise _fail(f"{ledger} exists: a simulation begins with a new ledger", WRONG_USE)
    if programme:
        shared = {"seed": seed, "ledger": ledger, "as_json": as_json, "profile": profile}
        _simulate_programme(config, programme=programme, **shared, **of_programme)
        return
    plan = SimulationPlan(orders, seed, counties, min(faults, orders), ledger, out)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cardcentre-")))
        progress = stack.enter_context(_Progress(orders)) if not as_json else None
        runner = stack.enter_context(asyncio.Runner(loop_factory=VirtualTimeLoop))
        made = runner.run(
            simulate(
                config,
                plan,
                folder,
                progress.show if progress else lambda _done: None,
                cProfile.Profile() if profile else None,
            )
        )
        stack.enter_context(closing(made))
        found = report(made)
    if as_json:
        click.echo(json.dumps(found.plain(), ensure_ascii=False, indent=2))
    else:
        from controller.command_line.accounts import simulation_lines

        click.echo("\n".join(simulation_lines(found)))
    if not found.complete:
        raise _fail("not every order came to its end: " + "; ".join(found.waiting[:5]), NO)


def _only_machines_of_this_process(config: Centre) -> None:
    """Refuse other wires: what is at their far end does not live in virtual time."""
    for place, url in wires(config):
        if not url.startswith("sim://"):
            raise _fail(
                f"{place} is {url}: a simulation needs wires that begin with sim://", WRONG_USE
            )


def _only_options_that_fit(context: click.Context, programme: str | None) -> None:
    wrong = ("orders", "counties", "faults", "out") if programme else _OF_PROGRAMME
    given = [
        name
        for name in wrong
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        text = "does not go with" if programme else "needs"
        raise WrongUse(f"--{given[0]} {text} --programme")


def _simulate_programme(config: Centre, **given: Any) -> None:
    from controller.command_line.programme_year import Asked, run_programme

    day = given.pop("day")
    run_programme(Asked(day=day and day.date(), **given), config)


@click.command()
@click.option("--folder", type=_FOLDER, help="Keep everything there; a temporary folder if not.")
def demo(folder: Path | None) -> None:
    """Show a whole centre at work over pseudo-terminals, in under a minute."""
    from controller.demonstration import DemonstrationFailed, demonstrate

    try:
        demonstrate(folder, click.echo)
    except DemonstrationFailed as error:
        raise _fail(f"the demonstration failed: {error}", NO) from error


class _Progress:
    """A bar on a terminal, nothing in a pipe."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

            columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.__enter__()
            self._task = self._bar.add_task("cards", total=self._total)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(*error)

    def show(self, done: int) -> None:
        """Show how many cards are done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done)
