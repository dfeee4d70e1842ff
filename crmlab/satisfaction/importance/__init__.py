"""What to improve first: drivers, importance against performance, and what a point is worth."""
