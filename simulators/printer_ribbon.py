"""What the memory on a ribbon's core says, item by item or whole.

Which items there are and how the whole is written is known from the maker's own client, which reads
it so; it knows nothing of panels or of how much ink a card takes.
"""

from typing import Final

#: Ribbons by the names of the programming guide, and the numbers that their memory carries.
RIBBONS: Final = {"ymcko": 0, "ymckos": 3, "ymckok": 4, "ko": 1, "kb": 100, "k": 100}


def ribbon_memory(ribbon: str, left: int, capacity: int) -> dict[str, str]:
    """Return the items by their names, and all of them, a line each, under `all`."""
    items = {
        "label": ribbon,
        "zone": "0",
        "type": str(RIBBONS[ribbon]),
        "qty": str(capacity),
        "count": str(left),
    }
    return items | {"all": "".join(f"{name}:{value}\n" for name, value in items.items())}
