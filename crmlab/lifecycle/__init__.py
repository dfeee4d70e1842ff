"""The lifecycle: stages of the relation, how customers move between them, how long they stay, what moves are worth."""
