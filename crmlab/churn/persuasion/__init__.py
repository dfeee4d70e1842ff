"""Whom to call so that they stay: the randomised trial, who is moved, what lists earn, and the next trial."""
