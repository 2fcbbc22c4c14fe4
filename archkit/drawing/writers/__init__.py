"""One file for each format a picture can be written in."""
