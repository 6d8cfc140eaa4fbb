"""Strategies run on the table: one run, jobs, studies, their judgement and outcome."""
