"""Randomness by topic: each topic draws from a stream of its own, so that one more fund leaves all others as they were."""

from zlib import crc32

import numpy as np

DEFAULT_SEED = 20260930


def stream(seed: int, topic: str) -> np.random.Generator:
    """The generator of one topic, the same in every process (Python's own `hash` is not)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, crc32(topic.encode())])))
