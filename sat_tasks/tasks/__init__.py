"""Task files of lmms-eval; a package so that they are installed."""
