"""Clips as tensors: synthetic noise, or frames of a video file, sampled, resized, cropped and normalised."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidbench.errors import InputError
from vidbench.records import SYNTHETIC, Clip

RGB = tuple[float, float, float]
MEAN: RGB = (0.45, 0.45, 0.45)
STD: RGB = (0.225, 0.225, 0.225)


def load_clip(
    clip: Clip, *, batch: int = 1, device: torch.device | str = "cpu", mean: RGB = MEAN, std: RGB = STD
) -> Tensor:
    """The clip as a float32 tensor (batch, 3, T, H, W) on `device`.

    A synthetic clip is standard normal noise, the same at every call; on the meta device it holds no numbers. Of a
    video the middle frame of each of T equal spans is taken, its short side resized to `size` (bilinear), its centre
    cropped, and RGB in 0..1 normalised by `mean` and `std`; every clip of the batch is the same.

    Raises:
        InputError: the file is missing, is no video, or has fewer frames than asked and may not loop.
    """
    if clip.source != SYNTHETIC:
        frames = _decode(Path(clip.source), clip)
        video = (torch.from_numpy(frames).to(device).float() / 255 - torch.tensor(mean, device=device)) / (
            torch.tensor(std, device=device)
        )
        return video.permute(3, 0, 1, 2).expand(batch, -1, -1, -1, -1).contiguous()
    shape = (batch, 3, clip.frames, clip.size, clip.size)
    if torch.device(device).type == "meta":
        return torch.empty(shape, device="meta")
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), device="cpu").to(device)


def check_video(path: Path, frames: int, *, loop: bool) -> None:
    """Raise InputError where no clip of `frames` frames can be taken from that file."""
    _sample(path, _count_frames(path), frames, loop=loop)


def _decode(path: Path, clip: Clip) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The sampled frames, (T, H, W, 3)."""
    wanted = _sample(path, _count_frames(path), clip.frames, loop=clip.loop)
    kept = {index: _crop(frame, clip.size) for index, frame in _frames(path, set(wanted))}
    return np.stack([kept[index] for index in wanted])


def _sample(path: Path, available: int, frames: int, *, loop: bool) -> list[int]:
    if available < frames and not loop:
        raise InputError(
            f"{path} has {available} frames, fewer than the {frames} asked for; "
            f"ask for at most {available}, or let the video start over with --loop-clip"
        )
    if available < frames:
        return [index % available for index in range(frames)]
    return [(2 * index + 1) * available // (2 * frames) for index in range(frames)]


def _count_frames(path: Path) -> int:
    """How many frames decode: what the header claims is wrong of a file that is cut off."""
    if find_spec("av") is None:
        raise InputError("decoding a video needs PyAV: pip install 'vidbench[video]'")
    if not path.is_file():
        raise InputError(f"no video file at {path}; check the path of the clip")
    status = path.stat()
    return _count_frames_of(path, (status.st_size, status.st_mtime_ns))


@cache
def _count_frames_of(path: Path, _version: tuple[int, int]) -> int:
    count = sum(1 for _ in _frames(path))
    if count == 0:
        raise InputError(f"no frame of {path} can be decoded; it may be empty or cut off: give another video")
    return count


def _frames(path: Path, wanted: set[int] | None = None) -> Iterator[tuple[int, Any]]:
    """The wanted frames of the first video stream with their numbers, up to the first that does not decode."""
    import av

    with _open(path) as container, suppress(av.FFmpegError):
        for index, frame in enumerate(container.decode(video=0)):
            if wanted is None or index in wanted:
                yield index, frame
            if wanted is not None and index == max(wanted):
                return


def _crop(frame: Any, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The frame's short side resized to `size` and its centre cropped: (size, size, 3)."""
    scale = size / min(frame.width, frame.height)
    width, height = max(size, round(frame.width * scale)), max(size, round(frame.height * scale))
    image = frame.reformat(width, height, "rgb24", interpolation="BILINEAR").to_ndarray()
    top, left = (height - size) // 2, (width - size) // 2
    return image[top : top + size, left : left + size]  # type: ignore[no-any-return]


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """The file as PyAV's container."""
    import av

    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        raise InputError(f"{path} cannot be read as a video ({error.strerror}); give a video file") from error
    with container:
        # FFmpeg draws a .txt file on a terminal and calls that a video.
        if not container.streams.video or container.format.name == "tty":
            raise InputError(f"{path} holds no video stream; give a video file")
        container.streams.video[0].thread_type = "AUTO"
        yield container
