"""Rules of type ``condition``: what staff write of named figures, read, checked, compiled and told. Pure."""
