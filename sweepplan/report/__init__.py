"""What leaves a run: its folder, the routes as GPX and CSV, and what it says in words and in JSON."""

from sweepplan.report.alerts import (
    Message,
    alert_history,
    alert_mail,
    alert_summary,
    history_lines,
    how_often,
    named_alerts,
    post_alerts,
)
from sweepplan.report.backtest import backtest_lines, backtest_summary, draw_backtest
from sweepplan.report.changes import change_lines, change_summary
from sweepplan.report.codes import way_codes
from sweepplan.report.earlier import Earlier, earlier_run
from sweepplan.report.folder import fresh_folder, needle_reports, refuse_foreign, write_run, write_tables
from sweepplan.report.links import map_links
from sweepplan.report.packet import kiosks_geojson, packet_html, sites_geojson
from sweepplan.report.routes import routes_csv, routes_geojson, routes_gpx, routes_xlsx
from sweepplan.report.sheet import can_print, print_pdf, route_sheet, route_sheets, write_sheets
from sweepplan.report.words import hotspot_lines, hotspot_summary, lines, summary

__all__ = [
    "Earlier",
    "Message",
    "alert_history",
    "alert_mail",
    "alert_summary",
    "backtest_lines",
    "backtest_summary",
    "can_print",
    "change_lines",
    "change_summary",
    "draw_backtest",
    "earlier_run",
    "fresh_folder",
    "history_lines",
    "hotspot_lines",
    "hotspot_summary",
    "how_often",
    "kiosks_geojson",
    "lines",
    "map_links",
    "named_alerts",
    "needle_reports",
    "packet_html",
    "post_alerts",
    "print_pdf",
    "refuse_foreign",
    "route_sheet",
    "route_sheets",
    "routes_csv",
    "routes_geojson",
    "routes_gpx",
    "routes_xlsx",
    "sites_geojson",
    "summary",
    "way_codes",
    "write_run",
    "write_sheets",
    "write_tables",
]
