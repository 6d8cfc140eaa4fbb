"""The commands of `benchsuite`, one file each: the file name is the command, `command` is the contract."""
