"""What the page on loyalty shows: evidence, answer, plan."""
