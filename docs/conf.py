"""Sphinx: docstrings (numpydoc), pages and notebooks (MyST); nothing is fetched."""

from __future__ import annotations

import sys
from pathlib import Path

import siteselect

sys.path.insert(0, str(Path(__file__).parent))

project = "siteselect"
author = "the siteselect authors"
release = version = siteselect.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb", "mathml"]
html_math_renderer = "mathml"

# Docstrings: what stands in single backticks is a name where there is one.
default_role = "py:obj"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 72
add_module_names = False
# A source under "References" may stand for the whole docstring.
suppress_warnings = ["ref.footnote"]

# Notebooks are executed; one that fails ends the build. Those of the six studies take
# minutes each: they stand with the outputs they are stored with, and `make soak` runs
# them again.
nb_execution_mode = "force"
nb_execution_excludepatterns = ["notebooks/studies/*"]
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"siteselect {release}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["tables.css"]
