"""What is asked of rows: which, in which order, side by side, the best within budgets."""
