"""Simulators of the operator's systems: the SMSC, and the BOSS."""
