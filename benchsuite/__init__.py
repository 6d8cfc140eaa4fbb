"""A benchmark-driven evaluation suite for hardware-aware NAS over NAS-Bench-201."""

__version__ = "0.1.0"
