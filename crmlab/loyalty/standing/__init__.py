"""How loyal: what customers say, what they do, and both side by side."""
