"""What a person can ask for: one function each; builds an edit, awaits the cell. No HTTP here."""
