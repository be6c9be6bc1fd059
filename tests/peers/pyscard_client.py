"""A process that uses pyscard, PC/SC for Python: `pyscard_client.py PROTOCOL MARK APDU...`

It connects to the first reader's card by T=0 or T=1, prints a JSON object with the reader's name,
the card's ATR and each answer. At the end it makes the file MARK and waits until the card has gone
and come back. Run by the Python that Debian's python3-pyscard belongs to; nothing of ours is in it.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

from smartcard.CardConnection import CardConnection
from smartcard.scard import (
    INFINITE,
    SCARD_SCOPE_USER,
    SCARD_STATE_EMPTY,
    SCARD_STATE_PRESENT,
    SCARD_STATE_UNAWARE,
    SCardEstablishContext,
    SCardGetStatusChange,
    SCardReleaseContext,
)
from smartcard.System import readers
from smartcard.util import toBytes, toHexString


def wait_for(context: object, reader: str, wanted: int) -> bytes:
    """Wait until the reader says this of its card; return the card's ATR."""
    known = SCARD_STATE_UNAWARE
    while True:
        _, states = SCardGetStatusChange(context, INFINITE, [(reader, known)])
        _, known, atr = states[0]
        if known & wanted:
            return bytes(atr)


def main(protocol: str, mark: str, *commands: str) -> None:
    reader = readers()[0]
    connection = reader.createConnection()
    connection.connect(
        CardConnection.T1_protocol if protocol == "T=1" else CardConnection.T0_protocol
    )
    atr = toHexString(connection.getATR())
    answers = [connection.transmit(toBytes(command)) for command in commands]
    connection.disconnect()
    _, context = SCardEstablishContext(SCARD_SCOPE_USER)
    Path(mark).touch()
    wait_for(context, str(reader), SCARD_STATE_EMPTY)
    again = wait_for(context, str(reader), SCARD_STATE_PRESENT)
    SCardReleaseContext(context)
    told = {
        "version": version("pyscard"),
        "reader": str(reader),
        "atr": atr,
        "answers": [
            (bytes(data).hex(), f"{first:02X}{second:02X}") for data, first, second in answers
        ],
        "again": again.hex(" ").upper(),
    }
    print(json.dumps(told))


main(*sys.argv[1:])
