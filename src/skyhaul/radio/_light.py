"""The speed of light."""

LIGHT_M_S = 299_792_458.0  # exact: definition of the metre
