"""Networks of any origin, as lists of operators: cells, files and lists of layers."""
