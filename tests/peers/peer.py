"""Independent programs: where they are, which version ran, and what they said. Nothing of ours."""

import asyncio
import importlib.metadata
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NoReturn

import pytest

PEER_TIMEOUT_S = 30.0


def missing(why: str) -> NoReturn:
    """Skip, or fail where peers must be there."""
    if os.environ.get("CARDCENTRE_REQUIRE_PEERS") == "1":
        pytest.fail(why)
    pytest.skip(why)


def peer(program: str, package: str, *version: str) -> str:
    """Return the path of a program and print which version it is; skip if it is missing."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        missing(f"{program} is not installed (Debian package {package})")
    told = subprocess.run([found, *version], capture_output=True, timeout=10, check=False)
    lines = (told.stdout or told.stderr).decode(errors="replace").splitlines()
    named = next((line for line in lines if re.search(r"\d\.\d", line)), "version unknown")
    print(f"peer {program}: {named}")
    return found


def package(name: str) -> None:
    """Print which version of a Python package runs."""
    print(f"peer {name}: {importlib.metadata.version(name)}")


@dataclass(frozen=True, slots=True)
class Said:
    """How a program ended, and everything that it said."""

    status: int
    text: str


async def run(*arguments: object, timeout_s: float = PEER_TIMEOUT_S) -> Said:
    """Run a program to its end beside the event loop; killed when it takes too long."""
    async with started(*arguments) as process:
        async with asyncio.timeout(timeout_s):
            said, _ = await process.communicate()
        assert process.returncode is not None
        return Said(process.returncode, said.decode(errors="replace"))


@asynccontextmanager
async def started(*arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a program, its errors with its output; it does not outlive the context."""
    process = await asyncio.create_subprocess_exec(
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"LC_ALL": "C"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
