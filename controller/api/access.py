"""Who may talk to the centre: the Unix user at the other end of the socket, and its role.

The kernel says who it is (SO_PEERCRED); nothing that the client sends is believed. What each verb
does is not decided here: there is one role, operator.
"""

import grp
import os
import pwd
from dataclasses import dataclass

ROOT_UID = 0


class Forbidden(Exception):
    """The user has no role at this centre."""

    code = "api.forbidden"


@dataclass(frozen=True, slots=True)
class Access:
    """The users who may: those named, members of the groups named, the centre's own, and root."""

    operators: frozenset[str] = frozenset()
    operator_groups: frozenset[str] = frozenset()
    own_uid: int = ROOT_UID

    def actor(self, uid: int) -> str:
        """Return the name that the ledger keeps of a user; raises `Forbidden`."""
        name, groups = _user(uid)
        if (
            uid in {ROOT_UID, self.own_uid}
            or name in self.operators
            or groups & self.operator_groups
        ):
            return f"user:{name}"
        raise Forbidden(f"user {name} has no role at this centre: see [api] in the centre's file")


def _user(uid: int) -> tuple[str, frozenset[str]]:
    """Return a user's name and groups, as the host knows them at this moment."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return f"uid-{uid}", frozenset()
    groups = set()
    for number in os.getgrouplist(entry.pw_name, entry.pw_gid):
        try:
            groups.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return entry.pw_name, frozenset(groups)
