"""Keyed indexes: what the ledger keeps of a person and of an approval instead of their numbers.

Without the key nobody can tell from an index whose it is, not even by trying all numbers. The key
itself is kept by `jobs.vault`.
"""

import hashlib
import hmac

INDEX_CHARACTERS = 32
FINGERPRINT_CHARACTERS = 16


def person_key(key: bytes, citizen_number: str) -> str:
    """Return the index of a citizen number."""
    return _index(key, b"person:" + citizen_number.encode())


def approval_key(key: bytes, acceptance_number: str) -> str:
    """Return the index of an acceptance number."""
    return _index(key, b"approval:" + acceptance_number.encode())


def fingerprint(key: bytes) -> str:
    """Return what tells one key from another and nothing else of it."""
    return _index(key, b"fingerprint")[:FINGERPRINT_CHARACTERS]


def _index(key: bytes, content: bytes) -> str:
    return hmac.new(key, content, hashlib.sha256).hexdigest()[:INDEX_CHARACTERS]
