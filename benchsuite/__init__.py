"""A benchmark-driven evaluation suite for hardware-aware NAS over NAS-Bench-201."""

from benchsuite import _namespace

__version__ = "0.1.0"

_namespace.complete(__path__[0])
