"""A whole study: what a TOML file says, the run, and the proof that it repeats."""

from siteselect.study.bundled import bundled_study
from siteselect.study.description import Study
from siteselect.study.installed import show_versions
from siteselect.study.result import StudyResult

__all__ = ["Study", "StudyResult", "bundled_study", "show_versions"]
