"""Scores of all cells: rows, shards, merging and samples."""
