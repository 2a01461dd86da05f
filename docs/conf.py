"""Sphinx makes the documentation site from the Markdown in this folder: `make docs`, then open build/docs/index.html."""

project = "lab"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True
highlight_language = "none"  # most blocks are output

myst_heading_anchors = 3  # so that a link to a section works here as it does in a forge

html_theme = "furo"
html_title = "lab"
html_copy_source = False  # the pages need no link to their source
html_use_index = False  # there are no entries for one
html_show_copyright = False
