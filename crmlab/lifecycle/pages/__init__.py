"""What the notebook on the lifecycle shows and says: evidence, answers, lists."""
