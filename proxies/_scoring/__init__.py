"""Networks, batches and passes: what a proxy is given, and how it is scored."""
