"""Zero-cost proxies, one file each: the file name is the id, `PROXY` is the contract."""
