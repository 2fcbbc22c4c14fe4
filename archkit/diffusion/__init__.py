"""Just enough diffusion to make a spec mean something: targets, samplers, guidance, training."""
