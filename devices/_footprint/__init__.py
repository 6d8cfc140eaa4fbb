"""The devices' columns: what fits, and how large a runtime's code is."""
