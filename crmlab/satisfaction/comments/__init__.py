"""What customers write: codebook, themes, words, and whether coders agree."""
