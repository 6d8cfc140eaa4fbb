"""Importers of public data sets, one file each: `SOURCE` is the contract."""
