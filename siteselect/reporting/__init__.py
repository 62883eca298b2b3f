"""Maps, reports, explorer page, tables and files of a plan."""

from siteselect.reporting.explorer import ExplorerPage, explore
from siteselect.reporting.files import (
    figure_bytes,
    fingerprint,
    plan_record,
    versions,
    write_map,
    write_plan,
    write_text,
)
from siteselect.reporting.maps import plot_plan, plot_suitability
from siteselect.reporting.not_checked import (
    NOT_CHECKED,
    NotChecked,
    not_checked_line,
)
from siteselect.reporting.plan_like import PlanLike
from siteselect.reporting.ranking_charts import plot_ranks, plot_sensitivity
from siteselect.reporting.report import report
from siteselect.reporting.summary import study_text
from siteselect.reporting.tables import limits_table, sites_table, to_csv_text, to_text

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
    "plot_plan",
    "plot_ranks",
    "plot_sensitivity",
    "plot_suitability",
    "report",
    "sites_table",
    "study_text",
    "to_csv_text",
    "to_text",
    "versions",
    "write_map",
    "write_plan",
    "write_text",
]
