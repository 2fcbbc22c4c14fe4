"""What torch says of a network's costs: measured, where paper cannot tell or has to be checked."""
