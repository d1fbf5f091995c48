"""A million made-up reports on a city's streets: written for one measurement, never kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sweepplan.pipeline import Settings
from sweepplan.streets import read_graph

N, YEARS, OPEN_DAYS, SEED = 1_000_000, 5, 2, 20
_CENTRES, _SPREAD_M, _METRES_A_DEGREE = 300, 150.0, 111_200.0
_FORM = "%m/%d/%Y %I:%M:%S %p"


def written(path: Path, folder: Path) -> Path:
    """Write reports, and settings that name them in place of those of ``path``; return the settings."""
    settings = Settings.load(path)
    made_up(settings).to_csv(folder / "made_up.csv", index=False)
    files = {name: f'{name} = "{file.resolve()}"' for name, file in settings.files().items()}
    files |= {"incidents": 'incidents = "made_up.csv"', "feed": 'feed = "boston311"'}
    lines = [line for line in path.read_text().splitlines() if line.partition("=")[0].strip() not in files]
    (folder / "settings.toml").write_text("\n".join([*files.values(), *lines]))
    return folder / "settings.toml"


def made_up(settings: Settings) -> pd.DataFrame:
    """Return five years in the columns of Boston's 311 export: most within 300 m of 300 corners, some far busier."""
    assert settings.streets is not None
    rng = np.random.default_rng(SEED)
    corners = np.array([(node["y"], node["x"]) for _, node in read_graph(settings.streets).nodes(data=True)])
    weight = 1 / np.arange(1, _CENTRES + 1)
    at = rng.choice(corners, _CENTRES)[rng.choice(_CENTRES, N, p=weight / weight.sum())]
    off = rng.laplace(0, _SPREAD_M / _METRES_A_DEGREE, (N, 2))
    lat, lon = at[:, 0] + off[:, 0], at[:, 1] + off[:, 1] / np.cos(np.radians(at[:, 0]))
    now = pd.Timestamp(settings.as_of)
    opened = now - pd.to_timedelta(rng.uniform(0, YEARS * 365 * 86_400, N).astype(int), unit="s")
    closed = opened + pd.to_timedelta(rng.lognormal(9.3, 1.2, N).astype(int) + 60, unit="s")
    waits = (opened > now - pd.Timedelta(days=OPEN_DAYS)) & (rng.random(N) < 0.03)
    return pd.DataFrame(
        {
            "CASE_ENQUIRY_ID": np.arange(N),
            "OPEN_DT": opened.strftime(_FORM),
            "TARGET_DT": (opened + pd.Timedelta(days=1)).strftime(_FORM),
            "CLOSED_DT": np.where(waits, "", closed.strftime(_FORM)),
            "CASE_STATUS": np.where(waits, "Open", "Closed"),
            "TYPE": "Needle Pickup",
            "LATITUDE": lat.round(6),
            "LONGITUDE": lon.round(6),
        }
    )
