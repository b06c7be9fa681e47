"""Models that lmms-eval can run, each in a module of its own."""
