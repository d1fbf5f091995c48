"""Made-up street names: plain words with plain endings, each used once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_WORDS = (
    "Alder", "Apple", "Ash", "Aspen", "Barley", "Basalt", "Basket", "Beech", "Birch", "Bittern", "Blackbird",
    "Bobbin", "Bramble", "Briar", "Brick", "Bridle", "Bulrush", "Buoy", "Candle", "Cardinal", "Cedar", "Chalk",
    "Cherry", "Chestnut", "Clay", "Clover", "Cobble", "Compass", "Copper", "Coral", "Cormorant", "Cowslip", "Crane",
    "Crown", "Curlew", "Cutter", "Cypress", "Daisy", "Dogwood", "Dory", "Dove", "Driftwood", "Drum", "Dune", "Eider",
    "Elder", "Elm", "Ember", "Falcon", "Fathom", "Feather", "Fern", "Ferry", "Fiddle", "Finch", "Fir", "Flax",
    "Flint", "Foxglove", "Garnet", "Gorse", "Granite", "Gull", "Hammock", "Harrow", "Harvest", "Hawthorn", "Hazel",
    "Heather", "Hemlock", "Hemp", "Heron", "Hickory", "Holly", "Hornbeam", "Iris", "Ivory", "Ivy", "Jasper",
    "Juniper", "Kelp", "Kestrel", "Kettle", "Kingfisher", "Ladder", "Lantana", "Larch", "Lark", "Laurel", "Lavender",
    "Linden", "Linnet", "Lobster", "Locust", "Loom", "Lupine", "Magnolia", "Mallard", "Maple", "Marble", "Marigold",
    "Marten", "Mast", "Mica", "Millet", "Mint", "Mulberry", "Mussel", "Myrtle", "Nettle", "Nutmeg", "Oak", "Oar",
    "Oats", "Ochre", "Olive", "Orchid", "Oriole", "Osprey", "Otter", "Oyster", "Paddle", "Pear", "Pebble", "Peony",
    "Pepper", "Periwinkle", "Petrel", "Pewter", "Pine", "Plover", "Plum", "Poplar", "Poppy", "Primrose", "Puffin",
    "Quail", "Quartz", "Quince", "Raven", "Redwood", "Reed", "Ribbon", "Robin", "Rope", "Rosemary", "Rowan", "Rudder",
    "Rush", "Rye", "Saddle", "Sage", "Sail", "Salt", "Sandpiper", "Sardine", "Scallop", "Schooner", "Sedge", "Shale",
    "Shell", "Sickle", "Silver", "Sisal", "Skiff", "Slate", "Snowdrop", "Sorrel", "Sparrow", "Spindle", "Spruce",
    "Starling", "Stone", "Sumac", "Swallow", "Swan", "Swift", "Sycamore", "Tansy", "Teal", "Tern", "Thimble",
    "Thistle", "Thorn", "Thrush", "Tide", "Timber", "Topaz", "Trellis", "Tulip", "Tupelo", "Umber", "Verbena", "Vine",
    "Violet", "Walnut", "Warbler", "Wheat", "Whelk", "Whistle", "Willow", "Windlass", "Wisteria", "Wren", "Yarrow",
    "Yew", "Zinnia",
)  # fmt: skip

_ENDINGS = {
    "organic": ("Street", "Lane", "Court", "Alley"),
    "dense": ("Street", "Avenue", "Place"),
    "grid": ("Street", "Avenue", "Road", "Terrace"),
    "loop": ("Road", "Drive", "Circle", "Way"),
}
_SHORT = {
    "Street": "St", "Avenue": "Ave", "Lane": "Ln", "Court": "Ct", "Alley": "Aly", "Place": "Pl", "Road": "Rd",
    "Terrace": "Ter", "Drive": "Dr", "Circle": "Cir", "Way": "Way", "Parkway": "Pkwy", "Quay": "Quay", "Pier": "Pier",
}  # fmt: skip


class Names:
    """Hands out each name once, in an order drawn from the seed."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 2])
        self._queues = {style: _queue(style, rng) for style in _ENDINGS}
        self._used: set[str] = set()

    def take(self, style: str) -> str:
        """Return a name nobody bears yet, fit for a district of this ``style``."""
        name = next(name for name in self._queues[style] if name not in self._used)
        self._used.add(name)
        return name


def short(name: str) -> str:
    """Return a street's name as a feed writes it.

    Examples
    --------
    >>> short("Alder Street"), short("Lantern Avenue")
    ('Alder St', 'Lantern Ave')
    """
    *words, ending = name.split()
    return " ".join([*words, _SHORT.get(ending, ending)])


def _queue(style: str, rng: np.random.Generator) -> Iterator[str]:
    words = [_WORDS[k] for k in rng.permutation(len(_WORDS))]
    plain = [f"{word} {ending}" for ending in _ENDINGS[style] for word in words]
    return iter([*plain, *(f"{side} {name}" for side in ("Upper", "Lower") for name in plain)])
