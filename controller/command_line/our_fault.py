"""The one line about a fault that nobody foresaw: which, where, and what to do with it.

It tells the text of an exception only where the class is ours, whose texts hold no personal data;
what another program's exception quotes nobody knows.
"""

from traceback import walk_tb

OURS = {"controller", "drivers", "jobs", "simulators", "config"}


def our_fault_line(error: BaseException) -> str:
    """Return one line to be handed to whoever maintains the software."""
    origin = _origin(error)
    kind = type(origin)
    text = f": {' '.join(str(origin).split())}" if kind.__module__.partition(".")[0] in OURS else ""
    return (
        f"cardcentre: an unexpected fault ({kind.__name__}{_place(origin)}{text}): please report "
        "this line and what you did; `cardcentre --debug ...` shows more"
    )


def _origin(error: BaseException) -> BaseException:
    """Return what came first: out of groups of tasks, and back along what caused it."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif error.__cause__ is not None:
            error = error.__cause__
        else:
            return error


def _place(error: BaseException) -> str:
    """Return the innermost place of ours that it came through."""
    found = ""
    for frame, line in walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in OURS:
            found = f" at {module}:{line} in {frame.f_code.co_name}"
    return found
