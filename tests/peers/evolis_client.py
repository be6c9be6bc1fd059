"""A process that uses the printer maker's SDK: `evolis_client.py PORT CALL[=ARGUMENT]...`

Prints a JSON list with what each call returned. `print_in_black=FOLDER` makes `FOLDER/card.prn`,
the bytes that would go to the printer, of the picture `FOLDER/card.bmp`; likewise
`print_in_colour`. It is a process of its own because the SDK is a native library: what hangs or
crashes in it must not take the tests along. Nothing of ours is in it.
"""

import json
import sys
from enum import Enum

from evolis import (
    CardFace,
    Connection,
    ErrorManagement,
    Evolis,
    OpenMode,
    PrintSession,
    RibbonType,
)


def plain(value: object) -> object:
    """Return a result of the SDK as JSON can hold it."""
    if isinstance(value, Enum):
        return value.name
    if hasattr(value, "__dict__"):
        return {name: plain(each) for name, each in vars(value).items() if name[0] != "_"}
    return value


def main(port: str, *calls: str) -> None:
    connection = Connection()
    url = f"socket://127.0.0.1:{port}?type=evolis&model=primacy"
    results: list[object] = [Evolis.get_version(), connection.open(url, OpenMode.DIRECT)]
    # A session is a lock among several hosts of one printer; here is one host.
    connection.set_session_management(False)
    for call in calls:
        name, _, argument = call.partition("=")
        if name == "set_error_management":
            results.append(connection.set_error_management(ErrorManagement[argument]))
        elif name == "print_in_black":
            session = PrintSession(connection, RibbonType.KO)
            taken = session.set_black(CardFace.FRONT, f"{argument}/card.bmp")
            results.append([taken, plain(session.print_to_file(f"{argument}/card.prn"))])
        elif name == "print_in_colour":
            session = PrintSession(connection, RibbonType.YMCKO)
            taken = session.set_image(CardFace.FRONT, f"{argument}/card.bmp")
            results.append([taken, plain(session.print_to_file(f"{argument}/card.prn"))])
        else:
            arguments = (argument,) if argument else ()
            results.append(plain(getattr(connection, name)(*arguments)))
    connection.close()
    print(json.dumps(results))


main(*sys.argv[1:])
