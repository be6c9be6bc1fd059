"""What a wire's URL may look like: which schemes there are, and what each needs.

Whether something answers there is not known here. Each function returns a good URL and raises
`ValueError` for a bad one, as fields of a centre's file want it.
"""

from typing import Final
from urllib.parse import urlsplit

SCHEMES: Final = ("serial", "tcp", "sim")
#: Of a reader that carries commands for a chip, but no bytes of its own.
PC_SC: Final = "pcsc://"
#: In a URL they would mean something else than in a name.
_QUOTED_IN_NAMES: Final = frozenset(" /?#[]")


def wire_url(url: str) -> str:
    """Check the URL of a wire that carries bytes."""
    if url.startswith(PC_SC):
        raise ValueError(f"only an encoder may be behind PC/SC ({PC_SC})")
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"a wire begins with {', '.join(f'{s}://' for s in SCHEMES)}")
    if parts.scheme == "tcp" and not (parts.hostname and parts.port):
        raise ValueError("a TCP wire is tcp://HOST:PORT")
    if parts.scheme == "serial" and not parts.path.startswith("/"):
        raise ValueError("a serial wire is serial:///dev/NAME?baud=115200")
    return url


def encoder_url(url: str) -> str:
    """Check the URL of an encoder, which may be behind PC/SC instead."""
    if not url.startswith(PC_SC):
        return wire_url(url)
    name = url.removeprefix(PC_SC)
    if not name or _QUOTED_IN_NAMES & set(name):
        raise ValueError("a reader is pcsc://NAME, with %20 for a space, %5B and %5D for brackets")
    return url
