"""Two sides measured now, in turns: what a side can be, the process of each, and the rounds of bursts."""
