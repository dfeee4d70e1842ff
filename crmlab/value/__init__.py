"""What customers are worth: margin, cost and expected loss of the past, expected value ahead, and how sure it is."""
