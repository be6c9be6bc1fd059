"""What becomes of the copying when it fails: one line each time it fails otherwise, and again."""

import asyncio
import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from controller.logs import make_logger
from controller.mqtt.broker import BrokerLost, Connection, PasswordNotUsable, read_password
from controller.mqtt.forward import Forwarder
from controller.mqtt.pages import Pages
from controller.mqtt.plain import Message
from controller.mqtt.position import position_file

RETRY_MAX_S = 4.0


@dataclass
class Away:
    """A broker that cannot be had: each attempt meets the next trouble, then the last for ever."""

    troubles: list[Exception]
    attempts_s: list[float] = field(default_factory=list)
    wills: list[Message] = field(default_factory=list)

    def connect(self, _name: str, will: Message) -> "Away":
        self.attempts_s.append(asyncio.get_running_loop().time())
        self.wills.append(will)
        return self

    async def __aenter__(self) -> Connection:
        raise self.troubles.pop(0) if len(self.troubles) > 1 else self.troubles[0]

    async def __aexit__(self, *_: object) -> None:
        raise AssertionError("nobody came in")


async def tried(folder: Path, away: Away, seconds: float) -> list[dict[str, str]]:
    """Let it try for some time; return its log."""
    said = io.StringIO()
    ledger = folder / "ledger.sqlite"
    forwarder = Forwarder(
        connect=away.connect,
        pages=Pages(ledger, 10),
        file=position_file(ledger),
        edges=[],
        event_topic="cardcentre/test/events",
        seen=0,
        now_us=lambda: 0,
        retry_max_s=RETRY_MAX_S,
        logger=make_logger(said, lambda: 0),
    )
    try:
        async with asyncio.timeout(seconds):
            await forwarder.run()
    except TimeoutError:
        pass
    assert not forwarder.connected
    return [json.loads(line) for line in said.getvalue().splitlines()]


async def test_pauses_grow_to_their_bound_and_the_log_says_it_once(tmp_path: Path) -> None:
    away = Away([BrokerLost("mqtt.unreachable")])
    (line,) = await tried(tmp_path, away, 100.0)
    assert (line["level"], line["code"]) == ("warning", "mqtt.unreachable")
    begun = [
        later - earlier
        for earlier, later in zip(away.attempts_s, away.attempts_s[1:], strict=False)
    ]
    assert begun[:5] == pytest.approx([0.5, 1.0, 2.0, 4.0, 4.0])
    assert max(begun) == pytest.approx(RETRY_MAX_S)
    assert json.loads(away.wills[0].content) == {"online": False}


async def test_a_fault_of_our_own_is_told_and_tried_again(tmp_path: Path) -> None:
    away = Away(
        [
            ZeroDivisionError("with 张三 in its text"),
            ZeroDivisionError(),
            BrokerLost("mqtt.lost"),
            ExceptionGroup("together", [BrokerLost("mqtt.tls"), BrokerLost("mqtt.tls")]),
            ZeroDivisionError(),
        ]
    )
    log = await tried(tmp_path, away, 20.0)
    assert [(one["code"], one.get("error")) for one in log] == [
        ("mqtt.fault", "ZeroDivisionError"),
        ("mqtt.lost", None),
        ("mqtt.tls", None),
        ("mqtt.fault", "ZeroDivisionError"),
    ]
    assert "张" not in json.dumps(log, ensure_ascii=False)


async def test_a_position_that_cannot_be_kept_stops_the_copying_only(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite.mqtt.new").mkdir()
    away = Away([BrokerLost("mqtt.unreachable")])
    (line,) = await tried(tmp_path, away, 20.0)
    assert (line["code"], away.attempts_s) == ("mqtt.position_file", [])


def test_a_password_is_read_without_its_line_end_and_only_if_nobody_else_can(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "password"
    secret.write_bytes(b"two words \n")
    secret.chmod(0o600)
    assert read_password(secret) == "two words "
    for mode in (0o640, 0o604, 0o622):
        secret.chmod(mode)
        with pytest.raises(PasswordNotUsable, match="chmod 600"):
            read_password(secret)
    secret.chmod(0o600)
    secret.write_bytes(b"\xff")
    with pytest.raises(PasswordNotUsable, match="UTF-8"):
        read_password(secret)
    with pytest.raises(PasswordNotUsable, match="cannot be read: No such file"):
        read_password(tmp_path / "nowhere")
