"""Packages in: from a file to a batch of orders, or to a refusal. Nothing in between remains.

A broken package is refused whole: it is read to its end once before anything of it is recorded.
Orders are recorded in groups; an intake that was interrupted is completed by giving the same
package again, and a package that is complete changes nothing.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from config.centre import Centre
from controller.clock import Clock, day_of
from controller.entries import order_draft, refusal_draft, refused_content, remembered
from controller.preparation import associated
from jobs.application import to_bytes
from jobs.events import Draft, Kind
from jobs.keyed_index import approval_key, fingerprint, person_key
from jobs.ledger.ledger import Ledger
from jobs.package_checks import CheckRules, Judgement, judge
from jobs.package_reader import Package, PackageBroken, PackageLimits, PackageRecord, read_package
from jobs.rows import Batch
from jobs.states import BatchState, BatchTrigger, OrderState
from jobs.vault import NONCE_BYTES, KeyFolder, KeyWrong, seal

GROUP_RECORDS = 50
INDEX_KEY = "index"
#: A batch that was given up while its intake was cut short is not filled up afterwards.
_OVER = {BatchState.CANCELLED, BatchState.CLOSED}


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of one package."""

    package_number: str
    batch: str  # empty when the package was refused whole
    accepted: int
    held: int
    refused: int
    known: bool = False
    broken: str = ""


@dataclass(slots=True)
class _Group:
    drafts: list[Draft] = field(default_factory=list)
    sealed: list[tuple[str, int, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Intake:
    """Takes packages into the ledger."""

    config: Centre
    ledger: Ledger
    keys: KeyFolder
    clock: Clock
    entropy: Callable[[int], bytes]
    has_glyph: Callable[[str], bool]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _known_key: bytes = field(default=b"", repr=False)

    def index_key(self) -> bytes:
        """Return the key of the keyed indexes, made on first use.

        Raises `KeyMissing` when the books rest on one that is lost, and `KeyWrong` when they rest
        on another: under it nobody who has a card would be recognised, and would get another.
        """
        if not self.keys.has_key(INDEX_KEY) and not self.ledger.books.batches:
            return self.keys.new_key(INDEX_KEY, self.entropy)
        key = self.keys.key(INDEX_KEY)
        if key != self._known_key and self._fingerprint() not in {"", fingerprint(key)}:
            raise KeyWrong(
                "keys/index.key is not the one that this ledger's indexes were made with: "
                "put that one back"
            )
        self._known_key = key
        return key

    def _fingerprint(self) -> str:
        """Return what the first batch noted of the key; nothing before there is one."""
        first = self.ledger.store.query(
            "SELECT data FROM events WHERE kind = ? ORDER BY sequence LIMIT 1",
            (Kind.BATCH_RECEIVED.value,),
        )
        return str(json.loads(first[0]["data"]).get("index_key", "")) if first else ""

    async def take(self, path: Path, actor: str) -> IntakeResult:
        """Take one package in; raises `OSError` when the file cannot be read."""
        async with self._turn:
            try:
                count = await self._read_through(path)
            except PackageBroken as broken:
                return await self._refuse_whole(path.name, broken, actor)
            return await self._take_sound(path, count, actor)

    def limits(self) -> PackageLimits:
        """Return the limits of this centre."""
        return replace(
            PackageLimits(),
            bytes_max=self.config.limits.package_bytes_max,
            records_max=self.config.limits.applications_max,
        )

    def rules(self, package: Package) -> CheckRules:
        """Return what the records of a package are held against."""
        return CheckRules(
            intake_date=day_of(self.clock.now_us()),
            package_date=package.header.sent_at.date(),
            has_glyph=self.has_glyph,
            first_generation_cut_off=self.config.programme.first_generation_cut_off,
        )

    async def _read_through(self, path: Path) -> int:
        with path.open("rb") as stream:
            count = 0
            for _ in read_package(stream, path.name, self.limits()):
                count += 1
                if count % GROUP_RECORDS == 0:
                    await asyncio.sleep(0)
            return count

    async def _refuse_whole(self, name: str, broken: PackageBroken, actor: str) -> IntakeResult:
        reason = {"code": broken.code, "field": "", "text": str(broken)}
        data = {"package_number": name, "reasons": [reason]}
        await self.ledger.append(Draft(Kind.PACKAGE_REFUSED, actor, data))
        return IntakeResult(name, "", 0, 0, 0, broken=str(broken))

    async def _take_sound(self, path: Path, count: int, actor: str) -> IntakeResult:
        with path.open("rb") as stream:
            package = read_package(stream, path.name, self.limits())
            batch = self._batch_of(package.header.package_number)
            known = batch is not None and (
                self.done(batch) == batch.applications or batch.state in _OVER
            )
            if not known:
                await self._record(package, batch, count, actor)
        batch = self._batch_of(package.header.package_number)
        assert batch is not None
        at_once = self.config.policy.release_batches == "at once"
        if at_once and batch.state is BatchState.RECEIVED:
            data = {"trigger": BatchTrigger.RELEASE.value}
            await self.ledger.append(Draft(Kind.BATCH_CHANGED, actor, data, batch=batch.id))
        return self._result(batch, known=known)

    async def _record(self, package: Package, batch: Batch | None, count: int, actor: str) -> None:
        name = batch.id if batch else f"B-{len(self.ledger.books.batches) + 1:05d}"
        group = _Group()
        if batch is None:
            if not self.keys.has_key(name):
                self.keys.new_key(name, self.entropy)
            group.drafts.append(self._received(package, name, count, actor))
        taken = self._positions_taken(name)
        rules = self.rules(package)
        for record in package:
            if record.index not in taken:
                self._enter(group, name, record, judge(record.fields, rules), actor)
            if len(group.drafts) >= GROUP_RECORDS:
                await self._record_group(name, group)
                group = _Group()
        if group.drafts:
            await self._record_group(name, group)

    async def _record_group(self, batch: str, group: _Group) -> None:
        """Record, unless a person has cancelled the batch between two groups."""
        known = self.ledger.books.batches.get(batch)
        if known is None or known.state is not BatchState.CANCELLED:
            await self.ledger.append(*group.drafts, sealed=group.sealed)

    def _received(self, package: Package, name: str, count: int, actor: str) -> Draft:
        header = package.header
        data = {
            "package_number": header.package_number,
            "product": "",
            "county": header.package_number[:6],
            "applications": count,
            "index_key": fingerprint(self.index_key()),
        }
        return Draft(Kind.BATCH_RECEIVED, actor, data, batch=name)

    def _enter(
        self, group: _Group, batch: str, record: PackageRecord, judged: Judgement, actor: str
    ) -> None:
        application = judged.application
        reasons = list(judged.reasons)
        keys = self._keys_of(record)
        if application is not None:
            reasons += remembered(self.ledger.books, application, keys, group.drafts)
        refusing = [reason for reason in reasons if reason.refuses]
        if application is None or refusing:
            known = self.ledger.books.batches.get(batch)
            number = known.package_number if known else ""
            draft = refusal_draft(batch, number, record, refusing)
            content = refused_content(record)
        else:
            received = day_of(self.clock.now_us())
            holding = [reason for reason in reasons if reason.hold]
            draft = order_draft(self.config, batch, record, application, received, holding)
            content = to_bytes(application)
        named = replace(draft, actor=actor, person_key=keys[0], approval_key=keys[1])
        group.drafts.append(named)
        key, nonce = self.keys.key(batch), self.entropy(NONCE_BYTES)
        sealed = seal(key, content, associated(batch, record.index), nonce)
        group.sealed.append((batch, record.index, sealed))

    def _keys_of(self, record: PackageRecord) -> tuple[str, str]:
        """Return the keyed indexes of the person and of the approval."""
        key = self.index_key()
        return person_key(key, record.text("gmsfhm")), approval_key(key, record.acceptance_number)

    def _batch_of(self, package_number: str) -> Batch | None:
        batches = self.ledger.books.batches.values()
        return next((b for b in batches if b.package_number == package_number), None)

    def _positions_taken(self, batch: str) -> set[int]:
        books = self.ledger.books
        taken = {order.position for order in books.batch_orders.get(batch, ())}
        taken.update(row.position for row in books.batch_refusals.get(batch, ()))
        return taken

    def _is_over(self, batch: Batch) -> bool:
        """Tell whether nothing more of a batch is to be taken in."""
        return batch.state is BatchState.CANCELLED or self.done(batch) == batch.applications

    def done(self, batch: Batch) -> int:
        """Return how many applications of a batch are in the books."""
        return len(self._positions_taken(batch.id))

    def _result(self, batch: Batch, *, known: bool) -> IntakeResult:
        orders = self.ledger.books.batch_orders.get(batch.id, [])
        held = sum(order.state is OrderState.HELD for order in orders)
        return IntakeResult(
            batch.package_number, batch.id, len(orders) - held, held, batch.refused, known
        )
