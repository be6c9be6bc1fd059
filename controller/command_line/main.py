"""The entry point `cardcentre`, so small that Ctrl-C cannot catch it half imported.

What the commands are and how they end is in `commands.py`, whose import takes a moment: a signal
that comes in that moment ends the process as it ends any other, without a traceback.
"""

import signal
import sys


def main() -> None:
    """Run the command of this process and leave with its exit code."""
    heard = signal.getsignal(signal.SIGINT)
    if heard is signal.default_int_handler:  # a starter may have had us ignore it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from controller.command_line.commands import run

    signal.signal(signal.SIGINT, heard)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
