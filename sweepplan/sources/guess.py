"""What a table's columns may mean: a mapping proposed from names and values, with reasons. Somebody must agree."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sweepplan.errors import SourceError
from sweepplan.sources.location import numbers
from sweepplan.sources.moments import EPOCH, EXCEL
from sweepplan.sources.plain import BESIDE, joined, parted
from sweepplan.sources.rawtable import RawTable, load

LOOKED_AT = 20_000
"""Rows looked at, from the top."""

ENOUGH = 0.8
"""Share of a column's values that must fit its meaning."""

_NAMES: Mapping[str, str] = {
    "lat": r"lat|latitude|y|latitud|breite|northing|.*(?:^|[_ ])lat(?:itude)?(?:[_ ].*)?",
    "lon": r"lon|lng|long|longitude|x|longitud|länge|easting|.*(?:^|[_ ])(?:lon|lng|long|longitude)(?:[_ ].*)?",
    "id": r".*(?:^|[_ ])(?:id|case|number|no|key|ref)(?:[_ ].*)?|id|.*id$|.*number.*",
    "closed": r".*(?:clos|resolv|complet|finish).*",
    "due": r".*(?:due|target|sla).*",
    "needles": r".*(?:needle|syringe|sharps|count|quantity|qty|amount).*",
    "status": r".*(?:status|state).*",
    "time": r".*(?:open|creat|report|request|occur|incident|call|receiv|dispatch|dat[eu]|time|day|when|dt|fecha|at$).*",
    "clock": r".*(?:time|hour|uhrzeit|hora).*",
}
_DATES = ("%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d", "%m/%d/%y", "%d/%m/%y", "%d-%b-%Y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_FORMATS = ("ISO8601", *(f"{date}{clock}" for date in _DATES for clock in _CLOCKS), "%B %Y", "%b %d, %Y", "%B %d, %Y")
_CLOCK_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s*[AaPp][Mm])?"
_SWAPPED = {"%m/%d": "%d/%m", "%m-%d": "%d-%m", "%d/%m": "%m/%d", "%d-%m": "%m-%d"}
_OFFSET = r":\d{2}(?:\.\d+)?\s*(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)$"


@dataclass(frozen=True)
class Guess:
    """A mapping proposed for the feed ``plain``.

    Attributes
    ----------
    mapping : as :func:`sweepplan.sources.read_file` takes it; it holds no ``clock``, which no file tells.
    reasons : why, by key of the mapping.
    doubts : what somebody should look at or add before it is used.
    """

    mapping: dict[str, str]
    reasons: dict[str, str]
    doubts: tuple[str, ...]

    def toml(self) -> str:
        """Return the proposal as a mapping file, reasons and doubts as comments."""
        beside = [key for key in self.mapping if key == "time_format"]
        lines = [f"# {_plain(doubt)}" for doubt in self.doubts]
        lines += [self._line(key) for key in beside] + ["", "[columns]"]
        return "\n".join([*lines, *(self._line(key) for key in self.mapping if key not in beside)]) + "\n"

    def _line(self, key: str) -> str:
        return f"{key} = {json.dumps(self.mapping[key], ensure_ascii=False)}  # {_plain(self.reasons[key])}"


def guess_mapping(path: str | Path, *, sheet: str = "") -> Guess:
    """Propose a mapping of a table's columns, from their names and values.

    Parameters
    ----------
    sheet : of a workbook, or layer of a GeoPackage; empty takes the first that holds a table, the only one.

    Raises
    ------
    SourceError
        The file cannot be read, or no column holds times, latitudes or longitudes.
    """
    raw = load(path, part=sheet)
    if raw.frame.empty:
        raise SourceError(f"{raw.path}: no row has as many fields as the header: export it again")
    columns = {name: raw.text(name).head(LOOKED_AT) for name in raw.frame.columns}
    mapping: dict[str, str] = {}
    reasons: dict[str, str] = {}
    if raw.shapes is None:
        for key, bound in (("lat", 90), ("lon", 180)):
            _take(key, _degrees(columns, key, bound), mapping, reasons)
        if not {"lat", "lon"} <= mapping.keys():
            mapping, reasons = {}, {}
            _take("point", _pairs(columns), mapping, reasons)
    doubts = _times(columns, mapping, reasons)
    for key, found in (("id", _ids), ("kind", _kinds), ("needles", _needles), ("status", _statuses)):
        _take(key, found({name: c for name, c in columns.items() if name not in mapping.values()}), mapping, reasons)
    placed = raw.shapes is not None or "point" in mapping
    missing = [key for key in ("time", *(() if placed else ("lat", "lon"))) if key not in mapping]
    if missing:
        if "time" in mapping and (odd := _projected(columns)):
            raise SourceError(f"{raw.path}: {odd} are no degrees: name their plane in a mapping, crs = 'EPSG:...'")
        raise SourceError(
            f"{raw.path}: no column looks like {' or '.join(missing)}: it has {', '.join(raw.names)[:300]}"
        )
    if "kind" not in mapping:
        doubts.append('no column says needle or overdose: all rows are taken for needles; else write kind = "overdose"')
    written = {key: value if key == "time_format" else _as_written(raw, value) for key, value in mapping.items()}
    return Guess(written, reasons, tuple(doubts))


def _take(key: str, found: tuple[str, str] | None, mapping: dict[str, str], reasons: dict[str, str]) -> None:
    if found:
        mapping[key], reasons[key] = found


def _named(key: str, columns: Mapping[str, pd.Series]) -> list[str]:
    """Names that sound like ``key``, the shortest first: it says least besides."""
    return sorted(
        (name for name in columns if re.fullmatch(_NAMES[key], " ".join(name.split()))),
        key=lambda name: (len(name), name),
    )


def _degrees(columns: Mapping[str, pd.Series], key: str, bound: int) -> tuple[str, str] | None:
    for name in _named(key, columns):
        number = numbers(columns[name])
        share = float(np.mean((np.abs(number) <= bound) & (number != 0)))
        if share >= ENOUGH / 2:
            return name, f"named so, and {share:.0%} of its values are degrees within {bound}"
    return None


def _projected(columns: Mapping[str, pd.Series]) -> str:
    """Return in words which columns named as coordinates hold other numbers than degrees; empty where none do."""
    found = {name: numbers(columns[name]) for key in ("lat", "lon") for name in _named(key, columns)[:1]}
    odd = [f"{name!r} ({number[0]:g}, ...)" for name, number in found.items() if (np.abs(number) > 180).mean() > ENOUGH]
    return " and ".join(odd)


def _pairs(columns: Mapping[str, pd.Series]) -> tuple[str, str] | None:
    for name, values in columns.items():
        lat, lon = (numbers(column) for column in parted(values))
        share = float(np.mean((np.abs(lat) <= 90) & (np.abs(lon) <= 180)))
        if share >= ENOUGH / 2:
            return name, f"{share:.0%} of its values hold a pair of degrees"
    return None


def _times(columns: Mapping[str, pd.Series], mapping: dict[str, str], reasons: dict[str, str]) -> list[str]:
    found = {name: best for name in _named("time", columns) if (best := _format(columns[name])) is not None}
    others = {key: _named(key, {n: columns[n] for n in found}) for key in ("closed", "due")}
    opened = [name for name in found if not any(name in names for names in others.values())]
    if not opened:
        return []
    # The report is the column that is fullest; among equals the one named first in the file.
    name = max(opened, key=lambda n: (columns[n].ne("").mean(), -list(columns).index(n)))
    form, share, certain = found[name]
    mapping["time"], reasons["time"] = name, f"{share:.0%} of its values are times written {form}"
    beside = _clock_beside(columns, name, form)
    if beside:
        clock, form = beside
        mapping["time"], reasons["time"] = (
            f"{name}{BESIDE}{clock}",
            f"days and times of day, together {form}",
        )
    if form != "ISO8601":
        mapping["time_format"], reasons["time_format"] = (
            form,
            "day and month differ" if certain else "see above",
        )
    for key, names in others.items():
        same = [n for n in names if n in found and found[n][0] == form]
        _take(key, (same[0], f"named so, and its values are times written {form}") if same else None, mapping, reasons)
    doubts = []
    empty = columns[name].eq("").mean()
    if empty > 1 - ENOUGH:
        doubts.append(f"{empty:.0%} of the rows have no time in {name!r}: those will be set aside")
    if not certain:
        doubts.append(f"no day above 12 in {name!r}: month first or day first is not certain; it is read as {form}")
    if not columns[name].str.contains(rf"{_OFFSET}|^(?:{EPOCH})$", regex=True).any():
        doubts.append('times have no offset: say whose clock it is, e.g. clock = "America/New_York"')
    return doubts


def _format(values: pd.Series) -> tuple[str, float, bool] | None:
    """Best format of a column of times, share of values it reads, and whether month and day cannot be the other way."""
    given = values[values.ne("")].head(2_000)
    if given.str.fullmatch(EPOCH).mean() >= ENOUGH:
        return "ISO8601", float(given.str.fullmatch(EPOCH).mean()), True
    if _is_excel(given):
        return EXCEL, 1.0, True
    if given.empty or pd.to_numeric(given, errors="coerce").notna().mean() > 1 - ENOUGH:
        return None
    shares = {form: _share(given, form) for form in _FORMATS}
    best = max(shares, key=lambda form: shares[form])
    if shares[best] < ENOUGH:
        return None
    other = next((best.replace(a, b) for a, b in _SWAPPED.items() if a in best), None)
    return best, shares[best], other is None or shares.get(other, 0.0) < shares[best]


def _is_excel(given: pd.Series) -> bool:
    return bool(len(given)) and bool(pd.to_numeric(given, errors="coerce").between(36_526, 60_000).mean() >= ENOUGH)


def _clock_beside(columns: Mapping[str, pd.Series], name: str, form: str) -> tuple[str, str] | None:
    """Return the column of clock times that goes with a column of days, and the format of both together."""
    if columns[name].str.contains(":", regex=False).any() or form == EXCEL:
        return None
    for clock in _named("clock", columns):
        given = columns[clock][columns[clock].ne("")]
        if clock != name and len(given) and given.str.fullmatch(_CLOCK_TIME).mean() >= ENOUGH:
            both = _format(joined([columns[name], columns[clock]]))
            return None if both is None else (clock, both[0])
    return None


def _share(values: pd.Series, form: str) -> float:
    read = pd.to_datetime(values, format=form, errors="coerce", utc=True)
    return float((read.notna() & read.dt.year.between(1970, 2199)).mean())


def _ids(columns: Mapping[str, pd.Series]) -> tuple[str, str] | None:
    for name in _named("id", columns):
        if columns[name].ne("").all() and columns[name].is_unique:
            return name, "named so, never empty, and no value stands twice"
    return None


def _kinds(columns: Mapping[str, pd.Series]) -> tuple[str, str] | None:
    return _only(columns, ("needle", "overdose"))


def _statuses(columns: Mapping[str, pd.Series]) -> tuple[str, str] | None:
    return _only({name: columns[name] for name in _named("status", columns)}, ("open", "closed"))


def _only(columns: Mapping[str, pd.Series], words: tuple[str, str]) -> tuple[str, str] | None:
    for name, values in columns.items():
        if set(values.str.casefold()) - {""} and not set(values.str.casefold()) - {"", *words}:
            return name, f"it holds only {' and '.join(words)}"
    return None


def _needles(columns: Mapping[str, pd.Series]) -> tuple[str, str] | None:
    for name in _named("needles", columns):
        given = columns[name][columns[name].ne("")]
        if len(given) and given.str.fullmatch(r"\d{1,5}(?:\.0)?").all():
            return name, "named so, and it holds whole numbers"
    return None


def _as_written(raw: RawTable, folded: str) -> str:
    if folded not in raw.frame.columns and BESIDE in folded:
        return BESIDE.join(_as_written(raw, part) for part in folded.split(BESIDE))
    return dict(zip(raw.frame.columns, raw.names, strict=False)).get(folded, folded).strip()


def _plain(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)
