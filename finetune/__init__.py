"""Tunes a model on spatial questions."""
