"""Two results, or two sides in alternation, held against each other."""
