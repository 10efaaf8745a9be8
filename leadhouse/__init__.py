"""Leadhouse: the command line and the settings. Thin; the work is done by the packages it calls."""
