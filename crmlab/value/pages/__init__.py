"""What the notebook on customer value shows: evidence, sentences, action lists."""
