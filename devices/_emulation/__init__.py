"""Kernels compiled, run in an emulator and counted."""
