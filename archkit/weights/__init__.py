"""Weights: files of our own, and rules that turn those of others into ours."""
