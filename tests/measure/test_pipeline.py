"""A clip's way from a file to logits, taken apart."""

import pytest
import torch
from nets import Calls
from videos import numbered

from vidbench.clips import load_clip
from vidbench.measure import Workload
from vidbench.measure.pipeline import Pipeline
from vidbench.records import Clip

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)


@pytest.fixture
def pipeline(tmp_path) -> Pipeline:
    clip = Clip(frames=4, size=32, source=str(numbered(tmp_path / "v.mkv", 9)))
    net = Calls(lambda x: {"logits": x.mean((2, 3, 4)), "frames": 4})
    return Pipeline(Workload(net, torch.zeros(2, 3, 4, 32, 32), torch.device("cpu")), clip, MEAN, STD)


def test_stages(pipeline):
    """Stage by stage a batch becomes what is loaded at once, and the net gets it instead of the workload's own."""
    expected = load_clip(pipeline.clip, batch=2, mean=MEAN, std=STD)
    frames = pipeline.decode()
    assert [len(each) for each in frames] == [4, 4]
    clips = pipeline.preprocess(frames)
    assert torch.equal(clips, expected)
    assert torch.equal(pipeline.copy_in(clips), expected)
    logits = pipeline.copy_out(pipeline.workload.infer(clips))
    assert torch.equal(logits["logits"], expected.mean((2, 3, 4)))
    assert logits["frames"] == 4


def test_fill(pipeline):
    """A clip goes to its place of a batch that was made in inference mode, as nets are called in it."""
    with torch.inference_mode():
        clips = pipeline.make_buffer().zero_()
        pipeline.fill(clips, 1)
        assert torch.equal(clips[1], load_clip(pipeline.clip, mean=MEAN, std=STD)[0])
        assert not clips[0].any()


def test_precision(pipeline):
    """A batch has the type that the net takes."""
    half = Workload(pipeline.workload.net, pipeline.workload.clips.bfloat16(), torch.device("cpu"))
    clips = Pipeline(half, pipeline.clip, MEAN, STD).preprocess(pipeline.decode())
    assert clips.dtype == torch.bfloat16
