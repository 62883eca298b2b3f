"""Maps, reports, explorer page, tables and files of a plan."""

from siteselect.reporting.comparison_maps import plot_alternatives, plot_robustness
from siteselect.reporting.criteria_maps import plot_criteria
from siteselect.reporting.criterion_chart import plot_criterion
from siteselect.reporting.explorer import ExplorerPage, explore
from siteselect.reporting.files import (
    figure_bytes,
    plan_record,
    versions,
    write_map,
    write_plan,
    write_text,
)
from siteselect.reporting.fingerprints import fingerprint
from siteselect.reporting.frontier_chart import plot_frontier
from siteselect.reporting.geo_files import to_geojson
from siteselect.reporting.hindcast_chart import plot_hindcast
from siteselect.reporting.limits_chart import plot_limits
from siteselect.reporting.maps import plot_plan, plot_suitability
from siteselect.reporting.network_map import plot_flows
from siteselect.reporting.not_checked import NOT_CHECKED, NotChecked, not_checked_line
from siteselect.reporting.papers import to_latex, to_markdown
from siteselect.reporting.plan_like import PlanLike
from siteselect.reporting.ranking_charts import plot_ranks, plot_sensitivity
from siteselect.reporting.report import report
from siteselect.reporting.site_facts import site_facts
from siteselect.reporting.summary import study_text
from siteselect.reporting.tables import limits_table, sites_table, to_csv_text, to_text
from siteselect.reporting.waterfall_chart import plot_waterfall
from siteselect.reporting.year_maps import plot_year_maps
from siteselect.reporting.years_chart import plot_years

__all__ = [
    "NOT_CHECKED",
    "ExplorerPage",
    "NotChecked",
    "PlanLike",
    "explore",
    "figure_bytes",
    "fingerprint",
    "limits_table",
    "not_checked_line",
    "plan_record",
    "plot_alternatives",
    "plot_criteria",
    "plot_criterion",
    "plot_flows",
    "plot_frontier",
    "plot_hindcast",
    "plot_limits",
    "plot_plan",
    "plot_ranks",
    "plot_robustness",
    "plot_sensitivity",
    "plot_suitability",
    "plot_waterfall",
    "plot_year_maps",
    "plot_years",
    "report",
    "site_facts",
    "sites_table",
    "study_text",
    "to_csv_text",
    "to_geojson",
    "to_latex",
    "to_markdown",
    "to_text",
    "versions",
    "write_map",
    "write_plan",
    "write_text",
]
