"""How a command ends when it does not end well: exit codes and one line on the standard error."""

import sys
from typing import IO, Any

import click

THE_ANSWER_IS_NO = 1
WRONG_USE = 2
OUR_FAULT = 70
INTERRUPTED = 130
READER_GONE = 141


class No(click.ClickException):
    """What was asked cannot be done, or the answer is no."""

    exit_code = THE_ANSWER_IS_NO

    def show(self, file: IO[Any] | None = None) -> None:
        """Write one line."""
        click.echo(f"cardcentre: {self.format_message()}", file=file or sys.stderr)


class WrongUse(No):
    """The command or the configuration is wrong."""

    exit_code = WRONG_USE


class OutputLost(No):
    """The standard output takes nothing more: its disk is full."""


class ReaderGone(Exception):
    """Nobody reads what is written any more (`| head`)."""


def emit(text: str) -> None:
    """Write to the standard output. click would end the command with 1, which means no."""
    try:
        click.echo(text)
    except BrokenPipeError:
        raise ReaderGone from None
    except OSError as error:
        raise OutputLost(f"the output cannot be written: {error.strerror}") from error
