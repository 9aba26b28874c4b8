"""Clips as tensors: synthetic noise, or frames of a video file, sampled, resized, cropped and normalised."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vidbench.errors import InputError
from vidbench.records import BUILT_IN, RGB, SYNTHETIC, Clip, Footage

MEAN: RGB = (0.45, 0.45, 0.45)
STD: RGB = (0.225, 0.225, 0.225)

VIDEO_SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm")


def load_clip(
    clip: Clip, *, batch: int = 1, device: torch.device | str = "cpu", mean: RGB = MEAN, std: RGB = STD
) -> Tensor:
    """The clip as a float32 tensor (batch, 3, T, H, W) on `device`.

    A synthetic clip is standard normal noise, the same at every call; on the meta device it holds no numbers. A video's
    frames have their short side resized to `size` (bilinear), their centre cropped, and RGB in 0..1 normalised by
    `mean` and `std`; every clip of the batch is the same.

    Raises:
        InputError: the file is missing, is no video, or has fewer frames than asked and may not loop.
    """
    if is_video(clip):
        path = Path(clip.source)
        wanted = _sample(path, clip)
        crops = {number: _crop(frame, clip.size) for number, frame in _frames_at(path, wanted)}
        video = _normalise(np.stack([crops[number] for number in wanted]), mean, std)
        return torch.from_numpy(video).to(device).expand(batch, -1, -1, -1, -1).contiguous()
    if torch.device(device).type == "meta":
        return torch.empty((batch, 3, clip.frames, clip.size, clip.size), device="meta")
    return _synthesise(clip, batch).to(device)


def _synthesise(clip: Clip, batch: int) -> Tensor:
    """Noise that holds still, moves a pixel a frame, flips between two frames, or is new in every frame."""
    generator = torch.Generator().manual_seed(0)
    shape = (batch, 3, clip.frames, clip.size, clip.size)
    if clip.source in (SYNTHETIC, "noise"):
        return torch.randn(shape, generator=generator, device="cpu")
    if clip.source == "panning":
        wide = torch.randn((batch, 3, clip.size, clip.size + clip.frames), generator=generator, device="cpu")
        return torch.stack([wide[..., left : left + clip.size] for left in range(clip.frames)], 2)
    different = 1 if clip.source == "static" else 2
    few = torch.randn((batch, 3, different, clip.size, clip.size), generator=generator, device="cpu")
    return few[:, :, torch.arange(clip.frames) % different]


def plan_clips(footage: Footage, frames: int, size: int, *, adaptive: bool) -> tuple[Clip, ...]:
    """The clips that a net of `frames` and `size` is measured on.

    Raises:
        InputError: a file or folder holds no video, or one that is too short.
    """
    for option, number in (("--clips-per-video", footage.clips_per_video), ("--stride", footage.stride)):
        if number < 1:
            raise InputError(f"{option} cannot be {number}; give 1 or more")
    sources = [file for source in footage.sources for file in _expand(source)]
    if not adaptive:
        clip = Clip(frames=frames, size=size, source=sources[0] if sources else SYNTHETIC, loop=footage.loop)
        if is_video(clip):
            _sample(Path(clip.source), clip)
        return (clip,)
    clips: list[Clip] = []
    for source in sources or BUILT_IN:
        if source in BUILT_IN:
            clips.append(Clip(frames=frames, size=size, source=source))
        else:
            clips += _cut(source, frames, size, footage)
    return tuple(clips)


def _expand(source: str) -> list[str]:
    """A folder as its videos; anything else as it is."""
    if source in BUILT_IN or not Path(source).is_dir():
        return [source]
    videos = sorted(str(file) for file in Path(source).iterdir() if file.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        raise InputError(f"the folder {source} holds no video ({', '.join(VIDEO_SUFFIXES)}); give one that does")
    return videos


def _cut(source: str, frames: int, size: int, footage: Footage) -> list[Clip]:
    """Clips of one video, the first at its start, the last at its end, the others evenly between; they may overlap."""
    clip = Clip(frames=frames, size=size, source=source, start=0, stride=footage.stride, loop=footage.loop)
    _sample(Path(source), clip)
    room = max(0, _count_frames(Path(source)) - 1 - (frames - 1) * footage.stride)
    steps = max(1, footage.clips_per_video - 1)
    starts = dict.fromkeys(round(index * room / steps) for index in range(footage.clips_per_video))
    return [replace(clip, start=start) for start in starts]


def decode(clip: Clip, threads: int = 0) -> list[Any]:
    """The frames of a clip of a video, as PyAV gives them: the file opened, sought in and decoded.

    Args:
        clip: whose `source` is a video.
        threads: that FFmpeg decodes with; 0 leaves their number to it.
    """
    path = Path(clip.source)
    wanted = _sample(path, clip)
    frames = dict(_frames_at(path, wanted, threads))
    return [frames[number] for number in wanted]


def preprocess(frames: Sequence[Any], size: int, mean: RGB = MEAN, std: RGB = STD) -> Tensor:
    """What `load_clip` makes of decoded frames: (3, T, H, W) in float32, by one thread."""
    return torch.from_numpy(_normalise(np.stack([_crop(frame, size) for frame in frames]), mean, std))


def count_decoding_threads(clip: Clip) -> int:
    """How many threads FFmpeg decodes this video with where that is left to it."""
    with _open(Path(clip.source)) as container:
        next(container.decode(video=0))
        return int(container.streams.video[0].codec_context.thread_count)


def is_video(clip: Clip) -> bool:
    """Whether the clip is taken from a file."""
    return clip.source not in (SYNTHETIC, *BUILT_IN)


def _sample(path: Path, clip: Clip) -> list[int]:
    """The numbers of the frames that a clip takes of a video."""
    available = _count_frames(path)
    frames, start = clip.frames, clip.start or 0
    needed = frames if clip.start is None else start + (frames - 1) * clip.stride + 1
    if available < needed and not clip.loop:
        spaced = "" if clip.stride == 1 else f" that a clip of {frames} with --stride {clip.stride} spans"
        raise InputError(
            f"{path} has {available} frames, fewer than the {needed} asked for{spaced}; "
            f"ask for at most {available}, or let the video start over with --loop-clip"
        )
    if clip.start is not None:
        return [(start + index * clip.stride) % available for index in range(frames)]
    if available < frames:
        return [index % available for index in range(frames)]
    return [(2 * index + 1) * available // (2 * frames) for index in range(frames)]


class _Index(NamedTuple):
    """The times of all frames, and the numbers of those from which decoding can start."""

    times: tuple[int, ...]
    starts: tuple[int, ...]


def _count_frames(path: Path) -> int:
    """How many frames decode: what the header claims is wrong of a file that is cut off."""
    return len(_index(path).times)


def _index(path: Path) -> _Index:
    if find_spec("av") is None:
        raise InputError("decoding a video needs PyAV: pip install 'vidbench[video]'")
    if not path.is_file():
        raise InputError(f"no video file at {path}; check the path of the clip")
    status = path.stat()
    return _index_of(path, (status.st_size, status.st_mtime_ns))


@cache
def _index_of(path: Path, _version: tuple[int, int]) -> _Index:
    frames = [(frame.pts, frame.key_frame) for frame in _frames(path)]
    if not frames:
        raise InputError(f"no frame of {path} can be decoded; it may be empty or cut off: give another video")
    times = tuple(time for time, _ in frames)
    starts = tuple(number for number, (_, is_key) in enumerate(frames) if is_key or number == 0)
    rising = None not in times and all(time < later for time, later in pairwise(times))
    return _Index(times, starts if rising else (0,))


def _frames(path: Path, threads: int = 0) -> Iterator[Any]:
    """The frames of the first video stream, up to the first that does not decode."""
    import av

    with _open(path, threads) as container, suppress(av.FFmpegError):
        yield from container.decode(video=0)


def _frames_at(path: Path, wanted: Sequence[int], threads: int = 0) -> Iterator[tuple[int, Any]]:
    """The frames of these numbers with them, each once; what need not be decoded for them is passed over."""
    missing = set(wanted)
    if len(_index(path).starts) > 1:
        for number, frame in _seek_frames(path, missing, threads):
            missing.discard(number)
            yield number, frame
    if missing:  # nowhere to seek to, or the file does not lead where its times say
        last = max(missing)
        for number, frame in enumerate(_frames(path, threads)):
            if number in missing:
                yield number, frame
            if number == last:
                return


def _seek_frames(path: Path, wanted: set[int], threads: int) -> Iterator[tuple[int, Any]]:
    """Those of the wanted frames that are met when decoding begins at the last place before each where it can."""
    import av

    index = _index(path)
    numbers = {time: number for number, time in enumerate(index.times)}
    begun_at = {number: bisect_right(index.starts, number) - 1 for number in wanted}
    with _open(path, threads) as container, suppress(av.FFmpegError):
        stream = container.streams.video[0]
        decoding, reached = container.decode(stream), -1
        for start, group in groupby(sorted(wanted), key=begun_at.__getitem__):
            rest = list(group)
            if index.starts[start] > reached + 1:
                container.seek(index.times[index.starts[start]], stream=stream)
                decoding = container.decode(stream)
            for frame in decoding:
                reached = numbers.get(frame.pts, reached)
                if reached in rest:
                    yield reached, frame
                if reached >= rest[-1]:
                    break


def _crop(frame: Any, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The frame's short side resized to `size` and its centre cropped: (size, size, 3)."""
    scale = size / min(frame.width, frame.height)
    width, height = max(size, round(frame.width * scale)), max(size, round(frame.height * scale))
    image = frame.reformat(width, height, "rgb24", interpolation="BILINEAR").to_ndarray()
    top, left = (height - size) // 2, (width - size) // 2
    return image[top : top + size, left : left + size]  # type: ignore[no-any-return]


def _normalise(
    frames: np.ndarray[Any, np.dtype[np.uint8]], mean: RGB, std: RGB
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Frames (T, H, W, 3) in 0..255 as (3, T, H, W); by numpy, whose one thread disturbs no net's."""
    scaled = (frames.astype(np.float32) / 255 - np.array(mean, np.float32)) / np.array(std, np.float32)
    return np.ascontiguousarray(scaled.transpose(3, 0, 1, 2))


@contextmanager
def _open(path: Path, threads: int = 0) -> Iterator[Any]:
    """The file as PyAV's container, its video decoded by so many threads; 0 leaves their number to FFmpeg."""
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
        container.streams.video[0].codec_context.thread_count = threads
        yield container
