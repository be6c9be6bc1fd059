"""What a person may set of MQTT: the broker, who we are to it, and where on it our copies go.

The password is in a file of its own, never in the centre's file; `controller/mqtt/` reads it.
"""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from config.settings import Settings

#: Sparkplug forbids + / and # in its names; these are plain besides.
_PLAIN = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}$"
_TOPIC = r"^[A-Za-z0-9][A-Za-z0-9 ._-]*(/[A-Za-z0-9 ._-]+){0,7}$"


class Tls(Settings):
    """Whose broker is trusted, and the certificate that we show where one is asked for."""

    ca_file: Path
    certificate_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _is_a_pair(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        return self


class Mqtt(Settings):
    """The broker that gets copies of what the ledger holds."""

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=1883, ge=1, le=65_535)
    tls: Tls | None = None
    user: str = Field(default="", max_length=60)
    #: One line; nobody but its owner may read it.
    password_file: Path | None = None
    #: Sparkplug's group; the centre's name when empty. A line is an edge node of it.
    group_id: str = Field(default="", pattern=rf"{_PLAIN}|^$")
    #: Two centres on one broker need two prefixes, or they push each other out.
    client_id_prefix: str = Field(default="cardcentre", pattern=_PLAIN)
    #: Below it one topic per kind of event; `cardcentre/CENTRE/events` when empty.
    event_topic: str = Field(default="", max_length=200, pattern=rf"{_TOPIC}|^$")
    keep_alive_s: int = Field(default=30, ge=5, le=3600)
    #: How long the broker may take to acknowledge anything.
    reply_s: float = Field(default=10.0, gt=0, le=60)
    #: Pauses between attempts grow up to this.
    reconnect_max_s: float = Field(default=30.0, gt=0, le=600)
    #: How many events may be under way to the broker, and in memory for it, at once.
    events_under_way_max: int = Field(default=50, ge=1, le=1_000)

    @model_validator(mode="after")
    def _password_needs_a_user(self) -> Self:
        if self.password_file is not None and not self.user:
            raise ValueError("password_file needs a user")
        return self

    def placed_in(self, folder: Path) -> "Mqtt":
        """Return the same with relative paths counted from a folder."""
        tls = self.tls
        if tls is not None:
            tls = tls.model_copy(
                update={
                    "ca_file": folder / tls.ca_file,
                    "certificate_file": tls.certificate_file and folder / tls.certificate_file,
                    "key_file": tls.key_file and folder / tls.key_file,
                }
            )
        password_file = self.password_file and folder / self.password_file
        return self.model_copy(update={"tls": tls, "password_file": password_file})
