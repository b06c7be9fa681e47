"""Aggregates evaluation results and publishes them."""
