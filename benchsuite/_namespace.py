"""The three plug-in packages in a checkout whose links were not unpacked as links.

`benchsuite/proxies` is a link to `proxies` beside `benchsuite`, a folder in a wheel. Some
unzippers, and git on Windows without `core.symlinks`, make a text file of a link, or nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

PACKAGES = ("proxies", "devices", "reports")


class _Beside:
    """Finds `benchsuite.proxies` and so on beside `benchsuite`, where nothing is found in it."""

    def __init__(self, root: str) -> None:
        self.root = root

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, folder = name.partition(".")
        if package != "benchsuite" or folder not in PACKAGES:
            return None
        place = os.path.join(self.root, folder)
        file = os.path.join(place, "__init__.py")
        if not os.path.isfile(file):
            return None
        from importlib.util import spec_from_file_location

        return spec_from_file_location(name, file, submodule_search_locations=[place])


def complete(folder: str) -> None:
    """Have the plug-in packages found beside `benchsuite`, in `folder`, if this is a checkout."""
    root = os.path.dirname(os.path.abspath(folder))
    linked = all(os.path.isdir(os.path.join(folder, package)) for package in PACKAGES)
    if not linked and os.path.isfile(os.path.join(root, "pyproject.toml")):
        sys.meta_path.append(_Beside(root))
