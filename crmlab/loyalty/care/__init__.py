"""Care: events that call for a contact, and whom to speak to first."""
