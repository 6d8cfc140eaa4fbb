"""The commands of `benchsuite`: file name = name of the command, `command` = the contract."""
