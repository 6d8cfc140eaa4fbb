"""Tables and figures, one file each: the file name is the id, `REPORT` is the contract."""
