"""What a plan or a hotspot map is worth, recomputed from the problem alone; no solver is believed."""
