"""Store and forward: the ledger is the store, and this brings its events to a broker, in order.

A task beside the centre: nothing waits for it, and it reads only what is already on the disk. It
knows how far it is from a position that moves on when the broker has acknowledged. So an event is
told at least once; told again after a loss, it has the same sequence number.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from controller.mqtt.broker import BrokerLost, Connection
from controller.mqtt.edge_node import EdgeNode, asks_for_rebirth
from controller.mqtt.pages import Pages
from controller.mqtt.plain import Message, event_message
from controller.mqtt.position import Position, read_position, write_position
from jobs.events import Event
from jobs.ledger.store import LedgerUnavailable

#: How soon an event is looked for after it is on the disk.
LOOK_S = 0.25
RETRY_MIN_S = 0.5
#: A node is born again at most so often, whatever is asked of it.
REBIRTH_PAUSE_S = 1.0
#: A fault of our own ends one attempt, never the centre.
FAULT = "mqtt.fault"

Error = TypeVar("Error", bound=BaseException)
Connect = Callable[[str, Message], AbstractAsyncContextManager[Connection]]


@dataclass(slots=True)
class Node:
    """An edge node while it is connected."""

    edge: EdgeNode
    connection: Connection
    birth: int
    rebirth_asked: bool = False


@dataclass(slots=True)
class Forwarder:
    """Keeps a broker told; `run` never returns."""

    connect: Connect
    pages: Pages
    file: Path  # of the position
    edges: Sequence[EdgeNode]
    event_topic: str
    seen: int  # the last event that the edge nodes have taken in
    now_us: Callable[[], int]
    retry_max_s: float
    logger: FilteringBoundLogger
    position: Position = field(default_factory=Position)
    connected: bool = False
    _history_after: int = 0
    _told: str = ""
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Connect, send, and begin again with growing pauses when that ends."""
        pause_s, known = RETRY_MIN_S, False
        while True:
            problem, error = FAULT, ""
            try:
                known = known or await self._take_up()
                await self._session()
            except* (BrokerLost, LedgerUnavailable) as group:
                problem = _first(group).code
            except* OSError:
                problem = "mqtt.position_file"
            except* Exception as group:  # noqa: BLE001  (the boundary of this task)
                error = type(_first(group)).__name__
            if self.connected:
                pause_s = RETRY_MIN_S
            self.connected = False
            self._tell(problem, error)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self.retry_max_s)

    def _tell(self, problem: str, error: str) -> None:
        """Log what is wrong once, not at every attempt."""
        if problem != self._told:
            self._told = problem
            facts = {"error": error} if error else {}
            self.logger.warning("mqtt.unavailable", code=problem, **facts)

    async def _take_up(self) -> bool:
        """Find out how far the broker was told the last time, if of this ledger."""
        kept = await asyncio.to_thread(read_position, self.file)
        if kept is None:
            # Everything is told once, but a station's past of before is nobody's news.
            self._history_after = self.seen
            return True
        if kept.sequence and await self._digest_of(kept.sequence) != kept.digest:
            self.logger.warning("mqtt.other_ledger", sequence=kept.sequence)
            self._history_after = self.seen
            kept = Position(birth=kept.birth)
        self.position = kept
        return True

    async def _digest_of(self, sequence: int) -> str | None:
        return await asyncio.to_thread(self.pages.digest_of, sequence)

    async def _session(self) -> None:
        await self._move(self.position.born_again())
        birth = self.position.birth
        offline = _online(self.event_topic, online=False)
        async with AsyncExitStack() as stack:
            events = await stack.enter_async_context(self.connect("events", offline))
            nodes = []
            for edge in self.edges:
                link = self.connect(edge.names.line, edge.death(birth, self._now_ms()))
                node = Node(edge, await stack.enter_async_context(link), birth)
                await node.connection.subscribe(edge.command_topic)
                nodes.append(node)
            self.connected, self._told = True, ""
            self.logger.info("mqtt.connected")
            async with asyncio.TaskGroup() as group:
                group.create_task(_until_lost(events))
                for node in nodes:
                    group.create_task(self._listen(node))
                await self._send(events, nodes)

    async def _listen(self, node: Node) -> None:
        """Take commands; there is one."""
        async for content in node.connection.received():
            if asks_for_rebirth(content):
                node.rebirth_asked = True
                self._asked.set()
                await asyncio.sleep(REBIRTH_PAUSE_S)

    async def _send(self, events: Connection, nodes: Sequence[Node]) -> None:
        await events.publish(_online(self.event_topic, online=True))
        await self._catch_up()
        born_at = self.seen
        for node in nodes:
            await self._give_birth(node)
        while True:
            page = await asyncio.to_thread(self.pages.after, self.position.sequence)
            for event in page:
                await self._tell_nodes(nodes, event, born_at)
                await asyncio.sleep(0)  # the centre's turn: a long page is nobody's long wait
            async with asyncio.TaskGroup() as group:
                for event in page:
                    group.create_task(events.publish(event_message(self.event_topic, event)))
            if page:
                last = page[-1]
                await self._move(self.position.told(last.sequence, last.digest))
            if len(page) < self.pages.events_max:
                await self._rest(nodes)

    async def _catch_up(self) -> None:
        """Let the edge nodes take in what happened while the broker was away."""
        while page := await asyncio.to_thread(self.pages.after, self.seen):
            for event in page:
                self.seen = event.sequence
                for edge in self.edges:
                    edge.see(event, self._now_ms())

    async def _tell_nodes(self, nodes: Sequence[Node], event: Event, born_at: int) -> None:
        await self._give_births(nodes)
        now_ms = self._now_ms()
        told: list[tuple[Node, list[Message]]] = []
        if event.sequence > self.seen:
            # All take it in before anything is sent: a broker that is lost halfway loses nothing.
            self.seen = event.sequence
            told = [(node, node.edge.see(event, now_ms)) for node in nodes]
        elif self._history_after < event.sequence <= born_at:
            told = [(node, node.edge.history(event, now_ms)) for node in nodes]
        for node, messages in told:
            for message in messages:
                await node.connection.publish(message)

    async def _give_births(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if node.rebirth_asked:
                await self._give_birth(node)

    async def _give_birth(self, node: Node) -> None:
        node.rebirth_asked = False
        for message in node.edge.births(node.birth, self._now_ms()):
            await node.connection.publish(message)

    async def _rest(self, nodes: Sequence[Node]) -> None:
        """Wait until it is time to look again; a rebirth is not kept waiting."""
        try:
            async with asyncio.timeout(LOOK_S):
                await self._asked.wait()
        except TimeoutError:
            return
        self._asked.clear()
        await self._give_births(nodes)

    async def _move(self, position: Position) -> None:
        await asyncio.to_thread(write_position, self.file, position)
        self.position = position

    def _now_ms(self) -> int:
        return self.now_us() // 1_000


def _online(event_topic: str, *, online: bool) -> Message:
    """Return what stays on the broker about whether events come."""
    content = b'{"online":true}' if online else b'{"online":false}'
    return Message(f"{event_topic}/online", content, quality=1, retained=True)


async def _until_lost(connection: Connection) -> None:
    async for _ in connection.received():
        pass


def _first(group: BaseExceptionGroup[Error]) -> Error:
    error: Error | BaseExceptionGroup[Error] = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
