"""A reason's bounded label, for metrics and logs. Pure.

Reasons in the books are free text, some typed by a person, who may type anything, a name included.
Labels are a closed set: the reason's leading words or its error code, or `other`.
"""

from controller.failures import FAILURES

OTHER = "other"
#: Beginnings of the texts that our own code writes, each with its label.
_BEGINNINGS = {
    "read-back differs": "read-back differs",
    "stranger's data": "stranger's data",
    "lamination: temperature": "lamination temperature",
    "lamination: pressure": "lamination pressure",
    "lamination: film": "lamination film",
    "its chip already belongs to": "chip of another card",
    "settled as spoiled": "settled as spoiled",
    "controller.restart": "controller.restart",
    "quality.stranger": "stranger's data",
    "quarantine": "quarantine",
    "misprint": "misprint",
    "rejected": "cancelled",
    "damaged": "damaged",
    "bad lamination": "bad lamination",
}
_CODES = frozenset(error.code for error in FAILURES) | {"driver", "operator", "ledger.unavailable"}
REASON_LABELS = frozenset({OTHER, *_BEGINNINGS.values(), *_CODES})


def reason_label(reason: str) -> str:
    """Return the label of a spoil's, a doubt's or a hold's reason."""
    if reason in REASON_LABELS:
        return reason
    code = reason.partition(" ")[0]
    if code in _CODES:
        return code
    for beginning, label in _BEGINNINGS.items():
        if reason.startswith(beginning):
            return label
    return OTHER
