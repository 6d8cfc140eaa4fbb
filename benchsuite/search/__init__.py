"""Search strategies, one file each: the file name is the id, `STRATEGY` is the contract."""
