"""Who leaves, why, and when: definitions, the training table, the learner, effects of contacts, and the page."""
