"""The satisfaction index with frozen weights, its interval, and how many answers it asks for."""
