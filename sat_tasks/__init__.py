"""What a spatial question is, how it is asked, and how an answer is scored (lmms-eval plugin)."""
