"""The cells: encodings, the network around a cell, its costs, and which cells are one function."""
