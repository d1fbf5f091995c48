"""Colours, each with one meaning."""

CREWS = (
    "#0f2bfa",
    "#784400",
    "#009bd8",
    "#af2489",
    "#989706",
    "#66019f",
    "#507252",
    "#a15aff",
    "#060330",
    "#341615",
)
"""One hue a crew: any two differ by 25 in CIELAB or more, also to eyes that lack one of the three cones."""

HEAT = ("#cfe8e3", "#9fd3ca", "#63b3a8", "#2b8a80", "#0b5d57")
"""From few to many, one hue."""

ACCENT = "#0b5d57"
ALERT = "#c2410c"
OVER_DUE = "#a4002a"
INK = "#1a2429"
OVERDOSE = "#5b3a8c"
LAND, WATER, GREEN = "#fbfaf7", "#e3eaee", "#dce9d3"
STREET, MAJOR = "#d3d5d8", "#b9bdc2"
