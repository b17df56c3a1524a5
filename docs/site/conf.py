"""Settings of Sphinx; `build_site.py` calls it."""

from pyama.version import __version__

project = "pyama"
author = "The pyama developers"
copyright = "The pyama developers"  # noqa: A001 (the name that Sphinx reads)
release = version = __version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
html_theme = "furo"
html_title = f"pyama {version}"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"sidebar_hide_name": False}
suppress_warnings = ["myst.header", "myst-nb.lexer", "misc.highlighting_failure"]
"""Levels of headings that are left out, notebooks that are not run, unknown languages."""

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4
myst_links_external_new_tab = True
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = False
nb_merge_streams = True
copybutton_selector = "div:not(.output) > div.highlight pre"

smartquotes = False  # `--option` keeps both of its hyphens
default_role = "code"  # a name between single backquotes in a docstring
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_use_rtype = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
add_module_names = False
