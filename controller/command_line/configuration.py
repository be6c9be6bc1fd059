"""A centre's file: `config check`."""

from pathlib import Path

import click

from config.centre import load_centre
from config.loading import ConfigError
from controller.command_line.problems import WrongUse, emit


@click.group()
def config() -> None:
    """Check a centre's file."""


@config.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def config_check(file: Path) -> None:
    """Tell all mistakes of a centre's file at once. Exit 2 if there are any."""
    try:
        centre = load_centre(file)
    except ConfigError as error:
        raise WrongUse(str(error)) from error
    stations = sum(len(line.stations) for line in centre.lines)
    lines = "1 line" if len(centre.lines) == 1 else f"{len(centre.lines)} lines"
    emit(
        f"{file}: sound; {centre.name} is for {centre.purpose.value}, with {lines}, "
        f"{stations} stations, making {', '.join(centre.products)}"
    )
