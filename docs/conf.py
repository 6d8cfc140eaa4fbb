"""The documentation site: `tox -e docs`, or `sphinx-build -W -b html docs site`."""

import sys
from pathlib import Path

from benchsuite.version import __version__

sys.path.insert(0, str(Path(__file__).parent))

project = "benchsuite"
author = "benchsuite developers"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_click",
    "sphinx_copybutton",
    "_pages",
]
exclude_patterns = ["_pages"]

# Docstrings are plain text: one backtick is code.
default_role = "code"
smartquotes = False
autodoc_member_order = "groupwise"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80

myst_heading_anchors = 3
myst_links_external_new_tab = False

html_theme = "furo"
html_title = f"benchsuite {__version__}"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_copy_source = False
html_show_copyright = False
copybutton_prompt_text = "$ "
