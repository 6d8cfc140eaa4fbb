"""Files in the formats of other packages, which read them unmodified."""
