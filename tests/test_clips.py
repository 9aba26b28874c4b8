"""A clip is the frames that its definition names, at the size and in the colours that it names."""

import itertools
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from videos import numbered, write_video

from vidbench import clips
from vidbench.clips import MEAN, STD, decode, is_video, load_clip, plan_clips, preprocess
from vidbench.errors import InputError
from vidbench.records import BUILT_IN, Clip, Footage

VIDEO = Path(__file__).parent / "data" / "bigbuckbunny.mp4"
VIDEO_FRAMES, VIDEO_WIDTH, VIDEO_HEIGHT = 132, 1280, 720


def check_video(path: Path, frames: int, *, loop: bool) -> None:
    """What is done before measuring: refused, or planned as one clip."""
    (clip,) = plan_clips(Footage(sources=(str(path),), loop=loop), frames, 32, adaptive=False)
    assert clip == Clip(frames=frames, size=32, source=str(path), loop=loop)


def numbers(x_BCTHW: torch.Tensor) -> list[int]:
    """Which frames of a numbered video these are."""
    return (x_BCTHW[0, 0, :, 16, 16] * STD[0] + MEAN[0]).mul(255).round().int().tolist()


def pixels(x_BCTHW: torch.Tensor) -> np.ndarray:
    """The first clip as frames of RGB in 0..255, (T, H, W, 3)."""
    shown = x_BCTHW[0].permute(1, 2, 3, 0) * torch.tensor(STD) + torch.tensor(MEAN)
    return (shown * 255).numpy()


class TestVideo:
    @pytest.mark.parametrize(("frames", "size"), [(1, 32), (4, 64), (5, 97)])
    def test_shape(self, frames: int, size: int):
        """A clip of a real video is (1, 3, T, size, size) in float32, whatever the video's own size."""
        x = load_clip(Clip(frames=frames, size=size, source=str(VIDEO)))
        assert (x.shape, x.dtype, x.is_contiguous()) == ((1, 3, frames, size, size), torch.float32, True)

    def test_batch(self):
        """Every clip of a batch is the same."""
        clip = Clip(frames=2, size=32, source=str(VIDEO))
        assert torch.equal(load_clip(clip, batch=3), load_clip(clip).repeat(3, 1, 1, 1, 1))

    def test_meta(self, tmp_path):
        """On meta there is only the shape."""
        clip = Clip(frames=2, size=16, source=str(numbered(tmp_path / "v.mkv", 4)))
        x = load_clip(clip, batch=3, device="meta")
        assert (x.shape, x.device.type, x.dtype) == ((3, 3, 2, 16, 16), "meta", torch.float32)

    @pytest.mark.parametrize(
        ("available", "frames", "expected"),
        [
            (12, 12, list(range(12))),
            (12, 6, [1, 3, 5, 7, 9, 11]),  # spans of 2, their middles on the boundary of two frames: the later one
            (12, 4, [1, 4, 7, 10]),  # spans of 3
            (12, 1, [6]),
            (10, 4, [1, 3, 6, 8]),  # middles at 1.25, 3.75, 6.25, 8.75
            (13, 3, [2, 6, 10]),  # middles at 2.17, 6.5, 10.83
            (5, 4, [0, 1, 3, 4]),  # middles at 0.625, 1.875, 3.125, 4.375
        ],
    )
    def test_frames(self, tmp_path, available: int, frames: int, expected: list[int]):
        """The frames are those in the middles of equal spans of the video."""
        source = str(numbered(tmp_path / "v.mkv", available))
        assert numbers(load_clip(Clip(frames=frames, size=32, source=source))) == expected

    def test_against_pyav(self):
        """Of the real video they are the frames that PyAV decodes there, scaled and cut out of the middle."""
        with av.open(str(VIDEO)) as container:
            decoded = {
                number: frame.to_ndarray(format="rgb24").astype(np.float32)
                for number, frame in enumerate(container.decode(video=0))
                if 20 < number < 24 or 64 < number < 68 or 108 < number < 112
            }
        seen = pixels(load_clip(Clip(frames=3, size=180, source=str(VIDEO))))
        for shown, number in zip(seen, (22, 66, 110), strict=True):  # the middles of three spans of 44
            off = {}
            for other in (number - 1, number, number + 1):
                for shift in (-2, 0, 2):
                    left = (VIDEO_WIDTH - VIDEO_HEIGHT) // 2 + shift
                    cut = decoded[other][:, left : left + VIDEO_HEIGHT]
                    expected = cut.reshape(180, 4, 180, 4, 3).mean((1, 3))  # 720 to 180: blocks of 4 x 4
                    off[other, shift] = np.abs(expected - shown).mean()
            assert min(off, key=off.__getitem__) == (number, 0)
            assert off[number, 0] < 3

    @pytest.mark.parametrize(
        ("width", "height", "size"),
        [(128, 64, 32), (64, 128, 32), (96, 72, 48), (64, 64, 64), (40, 30, 60), (101, 75, 50), (33, 77, 33)],
    )
    def test_geometry(self, tmp_path, width: int, height: int, size: int):
        """The short side is scaled to the size and the centre cut out, with no stretching."""
        ramp = np.zeros((height, width, 3), np.uint8)
        ramp[..., 0] = np.arange(width)
        ramp[..., 1] = np.arange(height)[:, None]
        source = str(write_video(tmp_path / "v.mkv", [ramp]))
        shown = pixels(load_clip(Clip(frames=1, size=size, source=source)))[0]
        scale = size / min(width, height)
        offset = (np.arange(size) - (size - 1) / 2) / scale  # of each output pixel from the centre, in source pixels
        odd_margin = (round(max(width, height) * scale) - size) % 2  # half of it is half a pixel too much
        tolerance = 0.51 + odd_margin * 0.5 / scale
        inner = slice(2, -2)  # beyond the edge there is nothing to interpolate with
        assert np.abs(shown[inner, inner, 0] - ((width - 1) / 2 + offset)[inner]).max() < tolerance
        assert np.abs(shown[inner, inner, 1] - ((height - 1) / 2 + offset)[inner, None]).max() < tolerance

    def test_colours(self, tmp_path):
        """RGB in 0..1, in this order, less the mean and over the deviation."""
        colour = np.broadcast_to(np.array([51, 102, 204], np.uint8), (16, 16, 3))
        clip = Clip(frames=1, size=16, source=str(write_video(tmp_path / "v.mkv", [np.ascontiguousarray(colour)])))
        x = load_clip(clip, mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.125))
        expected = torch.tensor([(0.2 - 0.1) / 0.5, (0.4 - 0.2) / 0.25, (0.8 - 0.3) / 0.125])
        assert torch.allclose(x, expected.view(1, 3, 1, 1, 1).expand_as(x), atol=1e-6)

    def test_loop(self, tmp_path):
        """A video that may start over does so where it is too short, and only there."""
        source = str(numbered(tmp_path / "v.mkv", 5))
        looped = load_clip(Clip(frames=12, size=32, source=source, loop=True))
        assert numbers(looped) == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
        assert numbers(load_clip(Clip(frames=5, size=32, source=source, loop=True))) == [0, 1, 2, 3, 4]

    def test_overwritten(self, tmp_path):
        """A file that is written anew is looked at anew."""
        path = numbered(tmp_path / "v.mkv", 5)
        check_video(path, 5, loop=False)
        numbered(path, 9)
        check_video(path, 9, loop=False)
        assert numbers(load_clip(Clip(frames=9, size=32, source=str(path)))) == list(range(9))


def cut_off(path: Path) -> Path:
    """A copy of the real video that lost its second half, and with it the index at its end."""
    content = VIDEO.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def cut_off_after_index(path: Path) -> Path:
    """The same, of a copy whose index stands at its head, so that it opens."""
    with av.open(str(VIDEO)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def damage(path: Path) -> Path:
    """A copy of the real video with a hole in its middle."""
    content = VIDEO.read_bytes()
    path.write_bytes(content[:400_000] + bytes(300_000) + content[700_000:])
    return path


def written(content: bytes):
    def write(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return write


def sound(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(8000))
    return path


class TestRefusals:
    def test_too_short(self):
        """A video with fewer frames than asked is refused with its own count, before anything else is done."""
        with pytest.raises(InputError, match=r"bigbuckbunny.mp4 has 132 frames, fewer than the 133 .* --loop-clip"):
            load_clip(Clip(frames=133, size=32, source=str(VIDEO)))
        with pytest.raises(InputError, match="at most 132"):
            check_video(VIDEO, 133, loop=False)
        check_video(VIDEO, VIDEO_FRAMES, loop=False)
        check_video(VIDEO, 133, loop=True)

    @pytest.mark.parametrize(
        ("name", "make", "message"),
        [
            ("missing.mp4", lambda path: path, "no video file at .*missing.mp4"),
            ("folder", lambda path: path.mkdir() or path, "folder"),
            ("empty.mp4", written(b""), "cannot be read as a video"),
            ("noise.mp4", written(bytes(range(256)) * 50), "cannot be read as a video"),
            ("cut.mp4", cut_off, "cannot be read as a video"),
            ("text.mp4", written(b"not a video\n" * 100), "cannot be read as a video"),
            ("text.txt", written(b"not a video\n" * 100), "holds no video stream"),
            ("sound.wav", sound, "holds no video stream"),
        ],
    )
    @pytest.mark.parametrize("loop", [False, True])
    def test_no_video(self, tmp_path, name, make, message, loop):
        """What is no video is refused by its name, whether it may start over or not."""
        path = make(tmp_path / name)
        with pytest.raises(InputError, match=message):
            load_clip(Clip(frames=1, size=32, source=str(path), loop=loop))
        with pytest.raises(InputError, match=message):
            check_video(path, 1, loop=loop)

    @pytest.mark.parametrize("make", [cut_off_after_index, damage])
    def test_partly_readable(self, tmp_path, make):
        """Of a video that still opens, the frames that decode count, not the 132 that its index claims."""
        cut = make(tmp_path / "cut.mp4")
        with av.open(str(cut)) as container:
            assert container.streams.video[0].frames == VIDEO_FRAMES
        with pytest.raises(InputError, match=r"cut\.mp4 has \d+ frames") as refusal:
            load_clip(Clip(frames=VIDEO_FRAMES, size=32, source=str(cut)))
        left = int(str(refusal.value).partition(" has ")[2].partition(" ")[0])
        assert 10 < left < VIDEO_FRAMES
        whole = load_clip(Clip(frames=VIDEO_FRAMES, size=32, source=str(VIDEO)))
        intact = left // 2  # where it breaks off, the decoder may patch frames up
        clip = load_clip(Clip(frames=left, size=32, source=str(cut)))
        assert torch.equal(clip[:, :, :intact], whole[:, :, :intact])

    def test_without_pyav(self, monkeypatch):
        """Where PyAV is not installed, the message says how to install it."""
        monkeypatch.setattr(clips, "find_spec", lambda _name: None)
        with pytest.raises(InputError, match=r"pip install 'vidbench\[video\]'"):
            load_clip(Clip(frames=1, size=32, source=str(VIDEO)))


class TestSynthetic:
    def test_fixed(self):
        """It is the same standard normal noise at every call, whatever torch's random state, which stays as it was."""
        torch.manual_seed(1)
        before = torch.get_rng_state()
        first = load_clip(Clip(frames=4, size=32), batch=2)
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(2)
        assert torch.equal(load_clip(Clip(frames=4, size=32), batch=2), first)
        assert (first.shape, first.dtype) == ((2, 3, 4, 32, 32), torch.float32)
        assert abs(first.mean()) < 0.02
        assert abs(first.std() - 1) < 0.02
        assert not torch.equal(first[0], first[1])

    def test_meta(self):
        """On meta there is only the shape."""
        x = load_clip(Clip(frames=64, size=224), batch=2, device="meta")
        assert (x.shape, x.device.type, x.dtype) == ((2, 3, 64, 224, 224), "meta", torch.float32)


class TestPlans:
    def test_cuts_are_evenly_spaced(self, tmp_path):
        """Clips of a video begin evenly spaced from its first frame to the last that leaves room, and may overlap."""
        path = numbered(tmp_path / "v.mkv", 20)
        footage = Footage(sources=(str(path),), clips_per_video=4, stride=2)
        clips_ = plan_clips(footage, 5, 32, adaptive=True)
        assert [clip.start for clip in clips_] == [0, 4, 7, 11]
        assert numbers(load_clip(clips_[1])) == [4, 6, 8, 10, 12]
        assert numbers(load_clip(clips_[-1]))[-1] == 19

    def test_no_clip_twice(self, tmp_path):
        """A video with room for fewer starts than asked for gives each once."""
        path = numbered(tmp_path / "v.mkv", 6)
        clips_ = plan_clips(Footage(sources=(str(path),), clips_per_video=10, stride=1), 5, 32, adaptive=True)
        assert [clip.start for clip in clips_] == [0, 1]

    def test_default_footage(self):
        """Without sources adaptive nets get the built-in clips, all others noise."""
        assert [clip.source for clip in plan_clips(Footage(), 8, 32, adaptive=True)] == list(BUILT_IN)
        assert plan_clips(Footage(), 8, 32, adaptive=False) == (Clip(frames=8, size=32),)

    def test_built_in_clips_move_as_they_say(self):
        """One holds still, one moves a pixel a frame, one flips between two frames, one is new in every frame."""
        still, moving, flipping, new = (
            load_clip(Clip(frames=6, size=32, source=source))[0].permute(1, 0, 2, 3) for source in BUILT_IN
        )
        assert all(torch.equal(frame, still[0]) for frame in still)
        assert all(torch.equal(a[..., 1:], b[..., :-1]) for a, b in itertools.pairwise(moving))
        assert torch.equal(flipping[::2], flipping[:1].expand(3, -1, -1, -1))
        assert not torch.equal(flipping[0], flipping[1])
        assert len({frame.sum().item() for frame in new}) == 6


class TestStages:
    @pytest.mark.parametrize(
        "clip",
        [
            Clip(frames=3, size=48, source=str(VIDEO)),
            Clip(frames=4, size=64, source=str(VIDEO), start=90, stride=5),
        ],
        ids=str,
    )
    def test_same_clip(self, clip: Clip):
        """Decoded and preprocessed apart, by one thread or several, a clip is what load_clip makes at once."""
        expected = load_clip(clip, mean=(0.4, 0.5, 0.6))[0]
        for threads in (0, 1):
            frames = decode(clip, threads)
            assert [frame.width for frame in frames] == [VIDEO_WIDTH] * clip.frames
            assert torch.equal(preprocess(frames, clip.size, mean=(0.4, 0.5, 0.6)), expected)

    def test_loop(self, tmp_path):
        """A video that starts over gives its frames again."""
        clip = Clip(frames=5, size=32, source=str(numbered(tmp_path / "v.mkv", 3)), loop=True)
        assert numbers(preprocess(decode(clip), 32)[None]) == [0, 1, 2, 0, 1]

    def test_is_video(self):
        """What is made of noise is none."""
        assert [is_video(Clip(frames=1, size=8, source=name)) for name in ("synthetic", "static", "a.mp4")] == [
            False, False, True,
        ]  # fmt: skip


class TestSeeking:
    @pytest.fixture
    def source(self, tmp_path) -> Path:
        """60 frames in groups of 10, each group with frames that refer to later ones."""
        path = tmp_path / "v.mp4"
        noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"g": "10", "bf": "2", "sc_threshold": "0"})
            stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
            for number in range(60):
                image = np.roll(noise, number, 1)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
            container.mux(stream.encode(None))
        return path

    @pytest.mark.parametrize(
        "wanted", [[0], [59], [3, 4, 5], [9, 10, 11], [10], [25, 45], [5, 15, 25, 35, 45, 55], [50, 50, 9]], ids=str
    )
    def test_same_frames(self, source, wanted: list[int]):
        """Sought or decoded from the beginning on, a frame is the same to the last bit."""
        everything = [frame.to_ndarray() for frame in clips._frames(source)]
        assert len(everything) == 60
        found = dict(clips._frames_at(source, wanted))
        assert sorted(found) == sorted(set(wanted))
        assert all(np.array_equal(frame.to_ndarray(), everything[number]) for number, frame in found.items())

    def test_less_is_decoded(self, source, monkeypatch):
        """Decoding begins at the last key frame before each frame that is wanted, and goes on where it is."""
        assert clips._index(source).starts == (0, 10, 20, 30, 40, 50)
        decoded = []

        class Watched:
            def __init__(self, container: object) -> None:
                self.container = container

            def __getattr__(self, name: str) -> object:
                return getattr(self.container, name)

            def decode(self, *stream: object, **streams: object) -> Iterator:
                for frame in self.container.decode(*stream, **streams):
                    decoded.append(frame.pts)
                    yield frame

        opened = clips._open

        @contextmanager
        def watched(*arguments: object) -> Iterator[Watched]:
            with opened(*arguments) as container:
                yield Watched(container)

        monkeypatch.setattr(clips, "_open", watched)
        assert [number for number, _ in clips._frames_at(source, [32, 34, 53])] == [32, 34, 53]
        times = clips._index(source).times
        assert [times.index(time) for time in decoded] == [*range(30, 35), *range(50, 54)]

    def test_file_that_leads_elsewhere(self, source, monkeypatch):
        """Where seeking does not come to the frames, they are decoded from the beginning on."""
        monkeypatch.setattr(clips, "_seek_frames", lambda *_: iter(()))
        assert sorted(dict(clips._frames_at(source, [31, 5]))) == [5, 31]
