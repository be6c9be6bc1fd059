"""The append-only ledger and the tables that commands read."""
