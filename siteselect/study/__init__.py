"""A whole study: what a TOML file says, the run, and the proof that it repeats."""

from siteselect.study.bundled import bundled_study
from siteselect.study.description import Study
from siteselect.study.installed import show_versions
from siteselect.study.result import StudyResult
from siteselect.study.scored import ScoredStudy, score_study

__all__ = [
    "ScoredStudy",
    "Study",
    "StudyResult",
    "bundled_study",
    "score_study",
    "show_versions",
]
