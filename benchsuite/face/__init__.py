"""The verbs of `import benchsuite`: each is what a command calls, which parses and prints."""
