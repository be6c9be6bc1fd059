"""What a person may set: `config check`, of a centre's file or a programme's."""

from pathlib import Path

import click

from config.centre import Centre, load_centre
from config.loading import ConfigError, read_toml
from config.programme import Programme, load_programme
from controller.command_line.problems import WrongUse, emit


@click.group()
def config() -> None:
    """Check a centre's file or a programme's."""


@config.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def config_check(file: Path) -> None:
    """Tell all mistakes of a file at once. Exit 2 if there are any.

    FILE is a centre's, or a programme's: that is one with `targets`.
    """
    try:
        if "targets" in read_toml(file):
            summary = _programme_summary(load_programme(file))
        else:
            summary = _centre_summary(load_centre(file))
    except ConfigError as error:
        raise WrongUse(str(error)) from error
    emit(f"{file}: sound; {summary}")


def _centre_summary(centre: Centre) -> str:
    stations = sum(len(line.stations) for line in centre.lines)
    lines = "1 line" if len(centre.lines) == 1 else f"{len(centre.lines)} lines"
    return (
        f"{centre.name} is for {centre.purpose.value}, with {lines}, "
        f"{stations} stations, making {', '.join(centre.products)}"
    )


def _programme_summary(programme: Programme) -> str:
    first, last = programme.targets[0].begins, programme.targets[-1].ends
    started = sum(county.starts is not None for county in programme.counties)
    return (
        f"{programme.name} is for {programme.people:,} people from {first} to {last}, "
        f"with a start for {started} of {len(programme.counties)} counties"
    )
