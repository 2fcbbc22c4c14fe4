"""Plain torch modules, usable on their own: they know nothing of specs, sites or plans."""
