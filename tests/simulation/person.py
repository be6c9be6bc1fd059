"""A person who outlives the controller: away while it is dead, at the verbs of the next one."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from controller.person import Away
from controller.person import PersonsVerbs as Verbs
from controller.service import Service


class PowerCut(BaseException):
    """The controller's power has gone: nothing it does from here on leaves it."""


@dataclass(frozen=True, slots=True)
class PersonsVerbs:
    """Hands every verb to the centre of the moment."""

    service: Callable[[], Service | None]

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def verb(*arguments: Any) -> Any:
            try:
                return await getattr(Verbs(self.service), name)(*arguments)
            except (Exception, PowerCut):
                if self.service() is not None:
                    raise
                raise Away from None  # whatever a controller without power stumbles over

        return verb
