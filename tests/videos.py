"""Small videos that tests write."""

from pathlib import Path

import av
import numpy as np


def write_video(path: Path, frames: list[np.ndarray]) -> Path:
    """The frames, (H, W, 3) bytes of RGB, as a video that loses nothing."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))
    return path


def numbered(path: Path, frames: int) -> Path:
    """A video of 32 x 32 whose frame number i is all of grey i."""
    return write_video(path, [np.full((32, 32, 3), number, np.uint8) for number in range(frames)])
