"""`vidbench choose`: which net to take within budgets, and what the next best costs."""

from pathlib import Path

import pytest
from examples import environment, latency, macs, record, save

from vidbench.records import Failure, Measurement

COMMITTED = str(Path(__file__).parents[2] / "results" / "amd-epyc-2cpus" / "families.jsonl")


def lines(done) -> list[str]:
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


def test_committed(vidbench):
    """Of the committed records: what to take and why, the next best, what would be better, as sentences and a table."""
    place, take, costs, following, better, _, *table = lines(vidbench("choose", COMMITTED, "--max-latency", "300ms"))
    assert place == "AMD EPYC, 2 CPUs, torch 2.13.0+cpu, 2026-11-21, accuracy on K400:"
    assert take == (
        "Take tada2d-r50 8x224: its top-1 of 76.7% (published at 8x256) is the highest with latency of at most 300ms."
    )
    assert costs.startswith(
        "It costs latency 288.6 ms, throughput 3.55 clips/s, memory 227.7 MiB, 33.02 GMACs, 27.49 M"
    )
    assert following.startswith("Next best is vov3d-l 16x224: 0.4 points less top-1, 1.03 times the latency")
    assert better.startswith("Better is slowfast-8x8-r50 32x224: 0.3 points more top-1, 1.77 times the latency")
    assert better.endswith("but its latency of 509.4 ms is 69.8% above the budget.")
    verdicts = {line.split()[0]: line.split("  ")[-1].strip() for line in table[3:7]}
    assert [
        line.rstrip().endswith(end) for line, end in zip(table[3:7], ("take", "yes", "yes", "no: latency"), strict=True)
    ]
    assert list(verdicts) == ["tada2d-r50", "vov3d-l", "x3d-m", "slowfast-8x8-r50"]
    assert any("without accuracy: 2 rows" in line for line in table)


def test_all_budgets_at_once(vidbench):
    """Each budget counts; where none other is left, that is said."""
    budgets = ("--max-memory", "200MB", "--max-params", "10M", "--max-macs", "5G", "--min-throughput", "5")
    told = lines(vidbench("choose", COMMITTED, *budgets))
    assert told[1] == (
        "Take x3d-m 16x224: its top-1 of 76.2% is the highest with memory of at most 200MB, throughput of at least 5, "
        "parameters of at most 10M and MACs of at most 5G."
    )
    assert told[3] == "No other net is within the budgets."


def test_nothing_fits(vidbench):
    """Then the closest is named, with by how much it misses."""
    told = lines(vidbench("choose", COMMITTED, "--max-latency", "20ms"))
    assert told[1] == (
        "Nothing fits. The closest is x3d-m 16x224, with a top-1 of 76.2%: its latency of 190.9 ms is 9.54 times the "
        "budget."
    )
    told = lines(vidbench("choose", COMMITTED, "--min-throughput", "10"))
    assert "its throughput of 5.17 clips/s is 51.74% of what is asked" in told[1]


def test_each_device_has_its_answer(vidbench, tmp_path):
    """Devices and releases of torch are not mixed; what was counted on meta has no latency."""
    known = {"k1": environment(), "k2": environment(device="AMD EPYC"), "k3": environment(device="meta")}
    records = [
        record(macs(), latency(0.01)),
        record(macs(), latency(0.5), environment="k2", device="cpu"),
        record(macs(), environment="k3", device="meta"),
    ]
    told = lines(
        vidbench("choose", str(save(tmp_path / "r.jsonl", *records, environments=known)), "--max-latency", "20ms")
    )
    gpu, cpu, meta = [n for n, line in enumerate(told) if line.endswith("accuracy on K400:")]
    assert told[gpu].startswith("NVIDIA H100, torch 2.13.0")
    assert told[gpu + 1].startswith("Take x3d-m 16x224")
    assert told[cpu + 1].startswith("Nothing fits. The closest is x3d-m 16x224")
    assert told[meta + 1 : meta + 3] == [
        "There is nothing to choose from.", "Left out, as no latency was measured: x3d-m.",
    ]  # fmt: skip


def test_what_is_left_out(vidbench, tmp_path):
    """Failures and training are told of, not chosen; predicted memory stands in where none was measured."""
    memory = Measurement(metric="predicted_memory", value=1e9, unit="bytes", method="lifetimes")
    records = [
        record(macs(), memory),
        record(failure=Failure(kind="oom", message="out of memory"), model="slow-8x8-r50", frames=8),
        record(macs(), memory, task="train"),
    ]
    told = lines(vidbench("choose", str(save(tmp_path / "r.jsonl", *records)), "--max-memory", "2GB"))
    assert told[1].startswith("Take x3d-m 16x224: its top-1 of 76.2% is the highest with memory of at most 2GB")
    assert told[2] == "It costs predicted memory 953.7 MiB, 4.73 GMACs."
    assert "Left out, as it could not be measured: slow-8x8-r50 8x224." in told
    assert "left out: 1 row of training" in told


def test_settings_of_one_net(vidbench, tmp_path):
    """Of a net at several batches the one within the budget is named by its batch."""
    records = [record(macs(), latency(batch / 100), batch=batch) for batch in (1, 8)]
    told = lines(vidbench("choose", str(save(tmp_path / "r.jsonl", *records)), "--max-latency", "20ms"))
    assert told[1].startswith("Take x3d-m 16x224 (batch 1): its top-1 of 76.2%")
    assert told[3] == "No other net is within the budgets."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-latency", "20"], "--max-latency takes an amount such as 20ms, not '20'"),
        (["--max-memory", "4"], "--max-memory takes an amount such as 4GB, not '4'"),
        (["--max-params", "-1"], "--max-params takes an amount"),
        (["--dataset", "kinetics"], "'kinetics'; there are SSv1, SSv2, K400"),
        (["--where", "frames == 7"], "none of 7 rows is left"),
    ],
)
def test_refusals(vidbench, options, message):
    """Wrong budgets are answered with the form."""
    done = vidbench("choose", COMMITTED, *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
