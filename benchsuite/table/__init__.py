"""The table of all cells and the descriptions of its columns."""
