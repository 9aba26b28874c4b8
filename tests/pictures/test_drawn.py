"""What pictures show: fronts, points, lines and bars, each figure that of its record."""

import pytest
from examples import environment, latency, macs, record

from vidbench.pictures.drawn import COUNTED, grow, missing_accuracy, scatter, split_memory
from vidbench.pictures.entries import gather_entries
from vidbench.records import Measurement

HERE = {"k1": environment(), "k2": environment(device="AMD EPYC", driver=None)}


def gather(*records):
    return gather_entries(records, HERE)


def throughput(value):
    return Measurement(metric="throughput", value=value, unit="clips/s", method="windows")


class TestScatter:
    def test_counted(self):
        """One point a net and clip, whatever the batch; its cost and accuracy are the record's and the catalog's."""
        entries = gather(
            record(macs()), record(macs(), batch=8), record(macs(0.6e9), model="x3d-xs", frames=4, size=160)
        )
        (picture,) = scatter(entries, "macs")
        assert (picture.dataset, picture.place) == ("K400", COUNTED)
        assert [(p.name, p.cost, p.top1, p.front) for p in picture.points] == [
            ("x3d-m", 4.73e9, 76.2, True), ("x3d-xs", 0.6e9, 69.5, True),
        ]  # fmt: skip
        assert [point.name for point in picture.front] == ["x3d-xs", "x3d-m"]

    def test_more_is_better(self):
        """Of throughput the front is on the other side: the slower has to be more accurate."""
        fast, slow = throughput(9.0), throughput(3.0)
        entries = gather(record(fast), record(slow, model="vov3d-l"), record(slow, model="blvnet-tam-50"))
        (picture,) = scatter(entries, "throughput")
        assert [(point.name, point.cost) for point in picture.front] == [("x3d-m", 9.0), ("vov3d-l", 3.0)]

    def test_places_are_not_mixed(self):
        """Two machines are two pictures, and a front is one machine's."""
        entries = gather(record(throughput(9.0)), record(throughput(3.0), environment="k2"))
        pictures = scatter(entries, "throughput")
        assert [picture.place.partition(",")[0] for picture in pictures] == ["AMD EPYC", "NVIDIA H100"]
        assert all(len(picture.points) == len(picture.front) == 1 for picture in pictures)

    def test_data_sets_are_not_mixed(self):
        """A net with figures on three data sets is in a picture of each that has as many classes."""
        net = {"model": "blvnet-tam-50", "classes": 174}
        assert [picture.dataset for picture in scatter(gather(record(macs(), **net)), "macs")] == ["SSv1", "SSv2"]

    @pytest.mark.parametrize("value", [None, 0.0, -1.0, float("nan"), float("inf")])
    def test_no_place(self, value):
        """What has no place on an axis is left out."""
        assert scatter(gather(record(throughput(value))), "throughput") == []

    def test_another_size(self):
        """What is published for a near size alone has its place with a star; what is of its own size has none."""
        entries = gather(record(macs()), record(macs(), model="tada2d-r50", frames=8))
        (picture,) = scatter(entries, "macs")
        assert [(point.label, point.top1) for point in picture.points] == [("x3d-m", 76.2), ("tada2d-r50*", 76.7)]

    def test_missing(self):
        """What is not in them is told, each net and clip once."""
        entries = gather(record(macs(), model="a:b"), record(macs(), model="a:b", batch=2), record(macs()))
        assert missing_accuracy(entries) == ["a:b 16x224: not in the catalog"]


class TestGrowth:
    def test_series(self):
        """A line a net in the order of frames, with the records' figures; a net at one clip length has none."""
        times = [record(latency(seconds), frames=at) for at, seconds in ((32, 0.5), (8, 0.1), (16, 0.2))]
        (picture,) = grow(gather(*times, record(latency(), model="x3d-s")))
        assert picture.metric == "latency"
        assert [(series.name, series.points) for series in picture.series] == [
            ("x3d-m", ((8, 0.1), (16, 0.2), (32, 0.5))),
        ]

    def test_settings_are_lines_of_their_own(self):
        """Batches are not joined by a line."""
        times = [record(latency(0.1 * at), frames=at, batch=batch) for at in (8, 16) for batch in (1, 4)]
        (picture,) = grow(gather(*times))
        assert [series.name for series in picture.series] == ["x3d-m batch 1", "x3d-m batch 4"]

    def test_counted_only_without_measured(self):
        """MACs are drawn of what never ran."""
        entries = gather(*(record(macs(1e9 * at), frames=at) for at in (8, 16)))
        assert [(picture.metric, picture.place) for picture in grow(entries)] == [("macs", COUNTED)]
        ran = gather(*(record(macs(1e9 * at), latency(), frames=at) for at in (8, 16)))
        assert [picture.metric for picture in grow(ran)] == ["latency"]


class TestMemory:
    def test_parts(self):
        """The parts are those predicted; the largest comes first; the measured peak stands beside them."""
        small = {"weights": 10, "inputs": 2, "activations": 5}
        predicted = Measurement(metric="predicted_memory", value=17.0, unit="bytes", method="m", details=small)
        large = Measurement(
            metric="predicted_memory", value=90.0, unit="bytes", method="m", details={**small, "weights": 83}
        )
        peak = Measurement(metric="peak_memory", value=20.0, unit="bytes", method="m")
        (picture,) = split_memory(gather(record(predicted, peak), record(large, model="x3d-s")))
        assert [(bar.name, bar.parts["weights"], bar.total, bar.measured) for bar in picture.bars] == [
            ("x3d-s", 83, 90, None), ("x3d-m", 10, 17, 20.0),
        ]  # fmt: skip

    def test_measured_alone(self):
        """Where nothing was predicted, activations are what the measured peak has beyond weights and input."""
        peak = Measurement(
            metric="peak_memory", value=100.0, unit="bytes", method="m", details={"weights_and_input": 40}
        )
        weights = Measurement(metric="weight_memory", value=30.0, unit="bytes", method="m")
        (picture,) = split_memory(gather(record(weights, peak)))
        assert picture.bars[0].parts == {"weights": 30, "inputs": 10, "activations": 60}

    def test_unknown(self):
        """Without parts there is no bar."""
        assert split_memory(gather(record(macs()))) == []
