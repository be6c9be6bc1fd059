"""Runs the benchmarks, all or one by name, and prints each figure as `name.figure = value`.

`python -m benchmarks.run [NAME]`. It measures and judges nothing; the goals are in the README.
Exit codes: 0 done, 1 something could not be measured, 2 there is no such benchmark.
"""

import importlib
import sys

from benchmarks.command import CommandFailed

NAMES = ("ledger", "cli", "simulate", "forecast", "metrics", "programme", "wires")


def main(arguments: list[str]) -> int:
    """Run what was asked for."""
    names = [name for name in arguments if name] or list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    failed = False
    for name in names:
        try:
            for figure, value in importlib.import_module(f"benchmarks.bench_{name}").figures():
                print(f"{figure} = {value:.4g}", flush=True)
        except CommandFailed as error:
            print(error, file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
