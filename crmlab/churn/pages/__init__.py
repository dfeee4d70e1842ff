"""What notebook 31 shows."""
