"""How much of a long input goes through the steps together.

Enough for full batches of faces, little enough that frames and crops fit in memory.
"""

IMAGES_AT_ONCE = 8
PIXELS_AT_ONCE = 1 << 25
