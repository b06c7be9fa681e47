"""Suites: a list of models and tasks in one file, run one process per model."""
