"""The command line as benchmarks call it: the installed script of this very interpreter."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(sys.executable).with_name("cardcentre")


class CommandFailed(Exception):
    """A measured command did not do what it is measured for."""


def call(*arguments: str, timeout_s: float) -> bytes:
    """Run one command to its good end and return what it printed."""
    command = [str(SCRIPT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailed(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise CommandFailed(f"{' '.join(command)}: exit {done.returncode}: {' '.join(last)}")
    return done.stdout
