"""The whole table, made of accuracies, shipped tables and plug-ins."""
