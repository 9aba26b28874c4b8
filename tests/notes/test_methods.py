"""A sentence for a paper says what was timed, how, and where, from the records alone."""

from dataclasses import replace

from examples import environment, latency, macs, record

from vidbench.notes.methods import describe_company, write_methods

HERE = {"k1": environment(), "k2": environment(driver=None, device="AMD EPYC")}
DETAILS = {"count": 40, "precision": 0.0082, "warm_up_calls": 12}


def test_everything_a_reader_needs():
    """What the median is of, warm-up, interval, the window, device, driver, stack, precision, mode, batch and clip."""
    (line,) = write_methods([record(macs(), latency(details=DETAILS), dtype="bf16", batch=8)], HERE)
    assert line == (
        "Latency is the median of 40 single synchronised calls after 12 warm-up calls, its 95% interval within ±0.82% "
        "of it. Inside the window is one forward pass in inference mode with the clip already on the device; decoding, "
        "preprocessing and copies are outside. NVIDIA H100, driver 550.54, 8 CPU threads, Linux x86_64; python 3.12.1, "
        "torch 2.13.0, vidbench 0.1.0; bf16 weights and input, mode eager; batch 8, clips 16x224 (frames x size, "
        "synthetic), random weights."
    )


def test_several_cases_share_a_sentence():
    """Numbers become ranges, settings lists; the interval is that of the figure known worst."""
    worse = {**DETAILS, "count": 1200, "precision": 0.03}
    (line,) = write_methods([record(latency(details=DETAILS)), record(latency(details=worse), frames=8)], HERE)
    assert "the median of 40 to 1,200 single" in line
    assert "within ±3% of it" in line
    assert "clips 16x224, 8x224" in line


def test_repeats():
    """Of several runs it is said how many, and nothing of one run's interval."""
    (line,) = write_methods([record(latency(details=DETAILS), repeat=run) for run in range(3)], HERE)
    assert "and of these the median of 3 runs in processes of their own" in line
    assert "interval" not in line


def test_disturbed_samples():
    """What was taken beside other work is not passed over."""
    beside = {**DETAILS, "watched": 40, "disturbed": 3}
    (line,) = write_methods([record(latency(details=DETAILS)), record(latency(details=beside), frames=8)], HERE)
    assert "±0.82% of it; 3 of 40 were disturbed. Inside" in line


def test_places_and_tasks():
    """Another machine, and another task, is another sentence; what was only counted is none."""
    timed = latency(details=DETAILS)
    lines = write_methods(
        [record(timed), record(timed, environment="k2"), record(timed, task="train"), record(macs())], HERE
    )
    assert len(lines) == 3
    assert "AMD EPYC, 8 CPU threads" in lines[1]
    assert "training step" in lines[2]
    assert write_methods([record(macs())], HERE) == []


def test_several_devices():
    """That cases were measured beside others is not passed over; what a foreign file says of it costs nothing."""
    timed = record(latency(details=DETAILS))
    beside = replace(timed, conditions={**timed.conditions, "beside": {"devices": ["cuda:1", "cuda:2"]}})
    (line,) = write_methods([timed, beside], HERE)
    assert "vidbench 0.1.0; up to 3 GPUs at work at once, a case on each; fp32" in line
    for foreign in (None, 3, {"devices": 2}, []):
        assert describe_company([replace(timed, conditions={"beside": foreign})]) == ""
