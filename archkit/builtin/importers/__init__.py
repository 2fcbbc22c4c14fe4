"""Importers: the tables and configs of the codebases that archkit reads."""
