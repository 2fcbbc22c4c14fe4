"""Numbers of a plan, for papers and budgets: parameters, MACs, memory, receptive field."""
