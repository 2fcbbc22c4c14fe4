"""Just enough diffusion to make a spec mean something: targets, samplers, guidance, training."""

import os

# OpenMP's idle threads spin unless told to sleep: beside any other busy program a training step
# then takes ten times as long. It is read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
