"""The conditions that figures are taken under: clocks, heat, load, power and neighbours, read and never set."""
