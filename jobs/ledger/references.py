"""Whether the rows of a ledger's tables that name one another are all there.

Events cannot write a row that names a missing one; a hand or a bad disk can take one away. What
the rows say is compared with the events by an audit, not here.
"""

from jobs.ledger.store import LedgerCorrupt, Store

#: What is said of tables that cannot be read as rows at all.
WRITTEN_BY_NO_EVENT = (
    "the ledger's tables hold what no event can write: see `cardcentre audit verify`"
)

_NAMED = {
    "cards name boxes": "SELECT 1 FROM cards WHERE box <> '' AND box NOT IN (SELECT id FROM boxes)",
    "orders name cards": (
        "SELECT 1 FROM orders WHERE card <> '' AND card NOT IN (SELECT id FROM cards)"
    ),
}


def check_references(store: Store) -> None:
    """Raise `LedgerCorrupt` if a row names one that is not there."""
    found = [f"{row['table']} name {row['parent']}" for row in store.query(
        'SELECT DISTINCT "table", parent FROM pragma_foreign_key_check ORDER BY 1, 2'
    )]  # fmt: skip
    found += [named for named, sql in _NAMED.items() if store.query(f"{sql} LIMIT 1")]
    if found:
        raise LedgerCorrupt(
            f"the ledger's {', its '.join(found)} that are not there: see `cardcentre audit verify`"
        )
