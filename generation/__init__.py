"""Makes spatial question-answer data from simulated scenes."""
