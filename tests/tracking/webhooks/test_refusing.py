"""Who may not tell us anything, and what happens to what we cannot use."""
