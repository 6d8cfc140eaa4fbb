"""How well scores rank the cells, alone and combined."""
