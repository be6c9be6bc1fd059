"""A real process: simulated machines being served to anybody's client until it is told to stop.

It prints where each machine is, writes a centre's file that names these places, and may hold the
operator who looks after the machines over a running centre's socket. At its end, and whenever it
gets SIGUSR1, it may tell in a file what lies where.
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.centre import Centre
from config.loading import checked, read_toml
from config.toml_text import toml_text
from controller.api.async_client import AWAY, REFUSALS, AsyncVerbs
from controller.assembly import (
    CannotServe,
    Plant,
    inventory,
    plant_of,
    serve_plant,
    simulated_operators,
)
from controller.real_process import (
    CannotRun,
    Say,
    allow_many_descriptors,
    refused_for,
    told_to_stop,
)

DERIVED_FILE = "centre.toml"
#: What is on cards is nobody's business, even as digests.
INVENTORY_MODE, CENTRE_FILE_MODE = 0o600, 0o644


@dataclass(frozen=True, slots=True)
class ServingPlan:
    """Which machines to serve, and how."""

    file: Path
    config: Centre
    on: str  # "pty" or "tcp"
    folder: Path
    pace: float
    operator: Path | None = None  # the socket of the centre that the operator talks to
    inventory: Path | None = None  # where to tell what lies where


async def serve_simulators(plan: ServingPlan, say: Say) -> None:
    """Serve a centre's machines until SIGTERM or SIGINT; raises `CannotRun`."""
    allow_many_descriptors()
    with refused_for(CannotServe):
        await _serve(plan, say)


async def _serve(plan: ServingPlan, say: Say) -> None:
    plant = plant_of(plan.config, plan.pace)
    async with AsyncExitStack() as stack:
        stop = told_to_stop(stack)
        asked = _asked_for_inventory(stack) if plan.inventory else None
        urls = await stack.enter_async_context(serve_plant(plant, plan.on, plan.folder))
        derived = plan.folder.absolute() / DERIVED_FILE
        _write_whole(derived, derived_text(plan.file, urls, plan.pace), CENTRE_FILE_MODE)
        width = max(map(len, urls))
        for name, url in urls.items():
            say(f"{name:<{width}}  {url}")
        say(f"machine times are divided by {plan.pace:g}; `cardcentre run --centre {derived}`")
        async with _operating(plan, plant) as operators, asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.run(), name="operator") for one in operators]
            if plan.inventory is not None and asked is not None:
                tasks.append(group.create_task(_tell_inventory(plan.inventory, plant, asked)))
            await stop.wait()
            for task in tasks:
                task.cancel()
        if plan.inventory is not None:
            _write_inventory(plan.inventory, plant)


@asynccontextmanager
async def _operating(plan: ServingPlan, plant: Plant) -> AsyncIterator[list[Any]]:
    """Give the operators who talk to a centre over its socket; without one, fill the magazines."""
    if plan.operator is None:
        for line in plan.config.lines:
            floor_line = plant.lines[line.name]
            floor_line.floor.load_blanks(line.magazine_capacity, floor_line.chips)
        yield []
        return
    async with AsyncVerbs(plan.operator) as verbs:
        yield list(simulated_operators(plan.config, plant, verbs, REFUSALS, AWAY, plan.pace))


def _asked_for_inventory(stack: AsyncExitStack) -> asyncio.Event:
    """Return what SIGUSR1 sets for as long as the stack is open."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, asked.set)
    stack.callback(loop.remove_signal_handler, signal.SIGUSR1)
    return asked


async def _tell_inventory(path: Path, plant: Plant, asked: asyncio.Event) -> None:
    while True:
        await asked.wait()
        asked.clear()
        _write_inventory(path, plant)


def _write_inventory(path: Path, plant: Plant) -> None:
    """Write what lies where; whoever asked finds the file new, whole, and for himself alone."""
    _write_whole(path, json.dumps(inventory(plant), indent=1) + "\n", INVENTORY_MODE)


def derived_text(file: Path, urls: dict[str, str], pace: float) -> str:
    """Return a centre's file with its wires replaced by those that are served."""
    raw = read_toml(file)
    for line in raw["lines"]:
        line["transport"]["url"] = urls[f"{line['name']}-transport"]
        for station in line["stations"]:
            if "url" in station:
                station["url"] = urls[station["name"]]
    raw.setdefault("simulation", {})["pace"] = pace
    programme = checked(file, raw, Centre).programme.placed_in(file.absolute().parent)
    if programme.plan:
        raw["programme"]["plan"] = programme.plan
    return f"# Made from {file.name} by `cardcentre simulators serve`.\n{toml_text(raw)}"


def _write_whole(path: Path, text: str, mode: int) -> None:
    """Write a file that is there only once it is complete."""
    half = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.unlink(missing_ok=True)
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        half.replace(path)
    except OSError as error:
        raise CannotRun(f"{path} cannot be written: {error.strerror}") from error
