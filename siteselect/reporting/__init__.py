"""Maps, reports, explorer page, tables and files of a plan."""

from siteselect.reporting.comparison_maps import plot_alternatives, plot_robustness
from siteselect.reporting.criteria_maps import plot_criteria
from siteselect.reporting.criterion_chart import plot_criterion
from siteselect.reporting.explorer import explore
from siteselect.reporting.files import (
    figure_bytes,
    plan_record,
    versions,
    write_map,
    write_plan,
    write_text,
)
from siteselect.reporting.frontier_chart import plot_frontier
from siteselect.reporting.limits_chart import plot_limits
