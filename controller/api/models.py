"""What may be sent to a running centre: the bodies of its acts, checked before anything is done.

A reason is written into the ledger for ever and shown on other people's terminals, so it holds no
control characters and no personal number.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

BatchAct = Literal["release", "hold", "cancel"]
OrderAct = Literal["release", "hold", "cancel"]
StationAct = Literal["hold", "unhold", "clear", "stop", "start", "clean"]
LineAct = Literal["start", "stop"]

_PERSONAL_NUMBER = re.compile(r"\d{15}")


def _plain_text(text: str) -> str:
    if not text.isprintable():
        raise ValueError("only printable characters in one line")
    if _PERSONAL_NUMBER.search(text):
        raise ValueError("no personal number may be written down here: it would be kept for ever")
    return text.strip()


def _given(text: str) -> str:
    if not text:
        raise ValueError("a reason must be given")
    return text


Reason = Annotated[str, Field(max_length=200), AfterValidator(_plain_text)]
GivenReason = Annotated[Reason, AfterValidator(_given)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Why(_Body):
    """Why a person does it; may be left open."""

    reason: Reason = ""


class Verdict(_Body):
    """Why a person rejects or spoils."""

    reason: GivenReason


class Nothing(_Body):
    """An act that needs no more words."""


class MaintenanceEnd(Why):
    """What a technician leaves behind: how many blanks of the magazine went as samples."""

    samples: Annotated[int, Field(ge=0, le=100_000)] = 0


class CaptureBegin(_Body):
    """For how long a wire is captured."""

    for_s: Annotated[int, Field(ge=1, le=3_600)]


class PackageFile(_Body):
    """A package's file, as the centre's own user finds it."""

    path: Annotated[str, Field(min_length=1, max_length=4_096, pattern="^/")]


class Settlement(_Body):
    """Where the card was found; empty when it is spoiled and in the reject bin."""

    found_at: Annotated[str, Field(max_length=100), AfterValidator(_plain_text)] = ""


class Blanks(_Body):
    """A number of blanks."""

    blanks: Annotated[int, Field(ge=1, le=100_000)]


class Sought(_Body):
    """What a card is sought by; in a body, because paths are what servers log."""

    what: Annotated[str, Field(min_length=1, max_length=64)]
