"""How far a run on several devices is: what begins is numbered, what is done counts for the time left."""

from types import SimpleNamespace

from examples import case

from vidbench.terminal.progress import show_progress


def test_several_at_once(capsys, monkeypatch):
    """Each line names its device; the time left follows from the cases that are done, not from those that began."""
    now = [0.0]
    monkeypatch.setattr("vidbench.terminal.progress.time", SimpleNamespace(monotonic=lambda: now[0]))
    with show_progress(6, expected=60.0) as announce:
        for number, done in enumerate((0, 0, 1, 2)):
            now[0] = 20.0 * done
            announce.done = done
            announce(case(frames=number + 1, device=f"cuda:{number % 2}"))
    shown = capsys.readouterr().err.splitlines()
    assert shown == [
        "[1/6] x3d-m 1x224 batch 1 fp32 on cuda:0 (0 s gone, about 60 s left)",
        "[2/6] x3d-m 2x224 batch 1 fp32 on cuda:1 (0 s gone, about 60 s left)",
        "[3/6] x3d-m 3x224 batch 1 fp32 on cuda:0 (20 s gone, about 2 min left)",
        "[4/6] x3d-m 4x224 batch 1 fp32 on cuda:1 (40 s gone, about 80 s left)",
    ]
