"""What counts as leaving: by closing, by falling silent, by loss of value; never mixed, exclusions counted."""
