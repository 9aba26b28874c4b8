"""What must be said beside figures, as lines of text."""
