"""Why a net is slow: what its operators and modules count, move and take, and what follows from it."""
