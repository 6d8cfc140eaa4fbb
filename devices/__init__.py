"""Device profiles, one file each: the file name is the id, `DEVICE` is the contract."""
