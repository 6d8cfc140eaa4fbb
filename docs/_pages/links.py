"""Links and anchors of pages that are read in the repository too, as the site has them."""

import re

from sphinx.application import Sphinx

# Lies outside this folder and is a page of the site.
_FILE, _PAGE = "../benchsuite/data/README.md", "what_ships.md"


def here(app: Sphinx, page: str, source: list[str]) -> None:
    """Turn anchors into targets and links to them into references, which the builder checks."""
    text = re.sub(r'<a id="([\w-]+)"></a>', r"(\1)=", source[0])
    text = re.sub(r"\]\([\w-]+\.md#((?:table|figure)-[\w-]+)\)", r"](#\1)", text)
    source[0] = re.sub(rf"\]\(((?:\.\./)*){re.escape(_FILE)}", rf"](\1{_PAGE}", text)
