"""What can be wrong with the numbers that effects are measured on."""


class AttributionError(Exception):
    """Moves, settings or credits that no effect can be measured on; the message names what is wrong."""
