"""What the notebooks on satisfaction show and say: evidence, answers, plans."""
