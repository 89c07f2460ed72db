"""Random numbers by topic: each topic has its own stream, so that an added fund does not change the others."""

from zlib import crc32

import numpy as np

DEFAULT_SEED = 20260930


def stream(seed: int, topic: str) -> np.random.Generator:
    """The generator of one topic, the same in every process (Python's own `hash` is not)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, crc32(topic.encode())])))
