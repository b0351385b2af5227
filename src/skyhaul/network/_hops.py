"""What a next hop says when it is not a satellite."""

UNREACHABLE = -1  # there is no way to the target
TO_TARGET = -2  # down to the target itself
