"""A real spreadsheet opens what is exported, and finds text where text was, never a formula."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook

from sweepplan.privacy import to_csv, to_xlsx
from tests.hostile import PAYLOADS

OFFICE = shutil.which("soffice")
TEXTS = (*PAYLOADS, "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\t\t@SUM(1)", "＝1+1", "'=1+1", ";=1+1", "1,=1+1")


@pytest.mark.skipif(OFFICE is None, reason="no LibreOffice (soffice) on this machine")
def test_libreoffice_finds_no_formula_in_an_export(tmp_path: Path) -> None:
    table = pd.DataFrame({"Where": TEXTS, "=1+1": TEXTS[::-1], "Needles": range(len(TEXTS))})
    (tmp_path / "comma.csv").write_text(to_csv(table, notes=["=1+1"]), encoding="utf-8")
    (tmp_path / "book.xlsx").write_bytes(to_xlsx(table, notes=["=1+1"]))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    asked = [str(OFFICE), profile, "--headless", "--convert-to", "ods", "--outdir", "ods", "comma.csv", "book.xlsx"]
    subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True, timeout=180)
    back = [str(OFFICE), profile, "--headless", "--convert-to", "xlsx", "ods/comma.ods", "ods/book.ods"]
    subprocess.run([*back, "--outdir", "read"], cwd=tmp_path, check=True, capture_output=True, timeout=180)
    for name in ("comma", "book"):
        cells = [
            cell for row in load_workbook(tmp_path / "read" / f"{name}.xlsx").worksheets[0].iter_rows() for cell in row
        ]
        assert not [cell.value for cell in cells if cell.data_type == "f"]
        said = " ".join(str(cell.value) for cell in cells)
        assert all(" ".join(text.strip("'").split()) in " ".join(said.split()) for text in ("=1+1", "@SUM(1)"))
        assert [cell.value for cell in cells if cell.data_type == "n" and cell.value is not None] == list(
            range(len(TEXTS))
        )
