"""``sweepplan candidates``, ``streets``: where a kiosk may stand, and the streets, from OpenStreetMap."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from sweepplan.bridge import PUBLIC_PLACES
from sweepplan.cli.group import sweepplan
from sweepplan.cli.said import answer, progress_bar
from sweepplan.errors import SettingsError
from sweepplan.geo import Area
from sweepplan.pipeline import Servers, area_of_place, download_candidates, streets_of_place
from sweepplan.privacy import publish
from sweepplan.report import sites_geojson


@sweepplan.command("candidates")
@click.option("--place", help='A place with a boundary, e.g. "South End, Boston, Massachusetts".')
@click.option("--area", "area_file", type=Path, help="In place of --place: area.toml.")
@click.option("--out", type=Path, required=True, help="GeoJSON to write, for --candidates of `sweepplan kiosks`.")
@click.option("--every-m", type=float, default=50.0, show_default=True, help="Metres between points along streets.")
@click.option("--overpass", help="URL of an Overpass server of your own, up to /api.")
@click.option("--nominatim", help="URL of a Nominatim server of your own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def candidates_verb(
    place: str | None,
    area_file: Path | None,
    out: Path,
    every_m: float,
    overpass: str | None,
    nominatim: str | None,
    *,
    as_json: bool,
) -> None:
    """Download where a kiosk may stand: parks, transit stops, libraries, pharmacies, fire stations, along streets."""
    if (place is None) == (area_file is None):
        raise SettingsError("give --place or --area, one of them: whose sites are asked for")
    _require_folder(out)
    servers = Servers(overpass, nominatim)
    with progress_bar() as progress:
        area = Area.load(area_file) if area_file is not None else area_of_place(str(place), servers)
        sites = download_candidates(area, servers, every_m=every_m, progress=progress)
    _write(out, sites_geojson(publish(sites, area=area)).encode())
    counts = sites["kind"].value_counts()
    kinds = {kind: int(counts.get(kind, 0)) for kind in sorted({"street", *PUBLIC_PLACES.values()})}
    lines = [f"{len(sites):,} candidate sites of {area.label} in {out} (© OpenStreetMap contributors)"]
    lines += [f"  {n:6,d} {kind.replace('_', ' ')}" for kind, n in kinds.items()]
    answer({"file": str(out), "sites": len(sites), "kinds": kinds}, lines, as_json=as_json)


@sweepplan.command("streets")
@click.option("--place", required=True, help='A place with a boundary, e.g. "Cambridge, Massachusetts".')
@click.option("--out", type=Path, required=True, help="GraphML to write, for --streets or --walk-streets.")
@click.option("--mode", type=click.Choice(["drive", "walk"]), default="drive", show_default=True, help="Who moves.")
@click.option("--overpass", help="URL of an Overpass server of your own, up to /api.")
@click.option("--nominatim", help="URL of a Nominatim server of your own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def streets_verb(
    place: str, out: Path, mode: Literal["drive", "walk"], overpass: str | None, nominatim: str | None, *, as_json: bool
) -> None:
    """Download the streets of a place; of vans with their turn restrictions."""
    _require_folder(out)
    with progress_bar() as progress:
        progress("downloading streets", 0.0)
        found = streets_of_place(place, mode, Servers(overpass, nominatim))
    _write(out, found)
    said = f"streets of {place} in {out}, {len(found) / 1e6:.1f} MB (© OpenStreetMap contributors)"
    answer({"file": str(out), "bytes": len(found)}, [said], as_json=as_json)


def _require_folder(out: Path) -> None:
    if not out.parent.is_dir():
        raise SettingsError(f"{out}: no folder {out.parent}: make it first")


def _write(out: Path, content: bytes) -> None:
    try:
        out.write_bytes(content)
    except OSError as error:
        raise SettingsError(f"{out}: cannot be written ({error.strerror or error}): give another file") from error
