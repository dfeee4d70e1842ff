"""Evidence and answers of the page on winning back."""
