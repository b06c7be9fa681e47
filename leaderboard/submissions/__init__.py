"""Submissions: a model's raw replies, sent in by others. Data, never code."""
