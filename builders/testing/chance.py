"""Draws that depend on nothing but a seed, what was asked, and how often before."""

from __future__ import annotations

import math
import struct
from hashlib import blake2b
from typing import NamedTuple

_UNIT = 2.0**-53


class Chance(NamedTuple):
    """The draws of one request.

    Attributes:
        normal: from the standard normal; sets the latency.
        fault: uniform in [0, 1); sets whether it fails, and how.
        moment: uniform in [0, 1); the share of the latency after which it fails.
    """

    normal: float
    fault: float
    moment: float


def draw(seed: int, digest: bytes, repetition: int) -> Chance:
    """The draws for a request that was asked `repetition` times before.

    One hash instead of a generator: seeding Python's takes longer than the rest of a request's
    bookkeeping. The normal comes from two uniforms by Box and Muller's formula.
    """
    hashed = blake2b(struct.pack("<qQ", seed, repetition) + digest, digest_size=32).digest()
    radius, angle, fault, moment = ((word >> 11) * _UNIT for word in struct.unpack("<4Q", hashed))
    normal = math.sqrt(-2 * math.log(1 - radius)) * math.cos(2 * math.pi * angle)
    return Chance(normal, fault, moment)
