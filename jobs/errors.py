"""The one base of everything that can go wrong in `jobs`.

What is done about each class is decided in `controller/failures.py`, never here. No text or fact
of an error may hold a person's data: not a name, a number, an address, nor an acceptance number.
"""

from typing import ClassVar


class JobsError(Exception):
    """Something promised could not be kept in the books."""

    code: ClassVar[str] = "jobs"
