"""What a published figure may count otherwise than we do, each worked out and held against the printed digits.

A knob is a reason only where the figure recomputed with it is the printed one, by every digit. One that adds or takes
away has to move the figure by at least one step of the last digit: what moves it by less cannot be told from rounding.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from vidbench.catalog import Published, Variant, families
from vidbench.claims.costs import Cost, Counting, Setting
from vidbench.claims.printed import as_printed, cut_to, rounds_to, show, unit
from vidbench.errors import InputError

CROPS = (224, 256)  # to train and to test at; a family's published rows may add others
CLASSES = {400: "Kinetics-400", 174: "Something-Something", 157: "Charades"}
# Operations an element, as fvcore says: what batch normalisation puts out, and layer normalisation whatever the mode.
NORM_OPERATIONS = {5: "in training", 2: "in evaluation"}
LAYER_NORM_OPERATIONS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A published row and the setting that it names."""

    variant: Variant
    published: Published
    setting: Setting
    counting: Counting

    def cost(self, *, size: int | None = None) -> Cost:
        """Our count at the row's setting, or at another crop."""
        return self.counting.cost(replace(self.setting, size=size or self.setting.size))

    @property
    def views(self) -> int | None:
        """How many clips of a video the row's accuracy is of."""
        views = self.published.views
        if isinstance(views, int) or views is None:
            return views
        temporal, _, spatial = views.partition("x")
        return int(temporal) * int(spatial) if temporal.isdigit() and spatial.isdigit() else None

    def siblings(self) -> list[Published]:
        """The other rows of this net that the same source prints with a cost."""
        source = _document(self.published)
        return [p for p in self.variant.published if p is not self.published and p.gmacs and _document(p) == source]

    def kin(self) -> list[Published]:
        """What the same source prints with a cost for nets that differ from this in their classes alone."""
        alike = [v for v in families()[self.variant.family].variants.values() if v.config == self.variant.config]
        source = _document(self.published)
        return [p for v in alike for p in v.published if p.gmacs and _document(p) == source]

    def crops(self) -> list[int]:
        """The other crops that a figure of this family may be at."""
        known = {p.size for v in families()[self.variant.family].variants.values() for p in v.published if p.size}
        return sorted({*CROPS, *known, self.variant.size} - {self.setting.size})

    def takes(self, *, frames: int, size: int) -> bool:
        """Whether the net can be given such a clip."""
        try:
            self.variant.check_frames(frames)
            self.variant.check_size(size)
        except InputError:
            return False
        return True

    def note_crop(self) -> str | None:
        """That the figure is at another crop than the rows beside it, where our count bears that out."""
        printed, sizes = self.published.gmacs, {p.size for p in self.siblings() if p.size}
        if printed is None or not sizes or self.setting.size in sizes:
            return None
        there = {size: self.cost(size=size).macs / 1e9 for size in sorted(sizes)}
        here = self.cost().macs / 1e9
        if not _matches(here, printed) or any(_matches(gmacs, printed) for gmacs in there.values()):
            return None
        beside = ", ".join(f"{size}, where it would be {show(gmacs, printed)}" for size, gmacs in there.items())
        return f"published {printed} is at a {self.setting.size} crop; its sibling rows are at {beside}"


def explain_params(row: Row) -> str | None:
    """Why the printed parameters (M) are not ours; None where no knob gives them."""
    printed, cost = row.published.params_m, row.cost()
    if printed is None:
        return None
    ours = cost.params / 1e6
    if cut_to(ours, printed):
        return _cut(ours, printed)
    fixed = cost.params - cost.classifier_params
    others = {
        f"published {printed} M is with {classes} classes, those of {name}; this row's net has {row.setting.classes}":
        fixed + cost.classifier_params * classes // row.setting.classes
        for classes, name in CLASSES.items() if classes != row.setting.classes
    }  # fmt: skip
    others[f"published {printed} M leaves the classifier out ({cost.classifier_params / 1e6:.2f} M)"] = fixed
    found = [words for words, params in others.items() if _tells(params / 1e6, ours, printed)]
    return "; or ".join(found) or None


def explain_gmacs(row: Row) -> str | None:
    """Why the printed GMACs are not ours; None where no two knobs give them. Of several reasons, those of one kind."""
    printed = row.published.gmacs
    if printed is None:
        return None
    ours = row.cost().macs / 1e9
    if cut_to(ours, printed):
        return _cut(ours, printed)
    for candidates in _kinds(row, printed):
        found = [c.words for c in candidates if _tells(c.gmacs, ours, printed, exact=c.exact)]
        if found:
            return "; or ".join(dict.fromkeys(found))
    return None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A figure that one or two knobs give, and how to say so; an exact one is made of printed figures."""

    words: str
    gmacs: float
    exact: bool = False


def _kinds(row: Row, printed: float) -> Iterator[Iterable[Candidate]]:
    """Candidates of one knob, then of two; those of one kind together, the likelier kinds before."""
    yield _multiples(row, printed, datasets={row.published.dataset})
    yield _doubled(row, row.setting, printed)
    yield _readings(row, row.setting, printed)
    yield _multiples(row, printed)
    own = row.cost()
    yield (Candidate(words, (own.macs + operations) / 1e9) for words, operations in _norms(row, own))
    settings = dict(_other_settings(row, printed))
    yield (Candidate(words, row.counting.cost(setting).macs / 1e9) for words, setting in settings.items())
    yield _norms_and_windows(row)
    for kind in (_cut_off, _doubled, _readings):
        yield (replace(c, words=f"{words}; {c.words}") for words, s in settings.items() for c in kind(row, s, printed))


def _readings(row: Row, setting: Setting, _printed: float) -> Iterator[Candidate]:
    """Other ways to put one count into a figure."""
    cost = row.counting.cost(setting)
    for words, operations in _norms(row, cost) if cost.normalised else ():
        yield Candidate(words, (cost.macs + operations) / 1e9)
    windows = _windows(row.variant, setting.size)
    if windows > 1:
        words = f"the figure {_window_words(cost, windows)}"
        yield Candidate(words, (cost.macs + (windows - 1) * cost.window_macs) / 1e9)
    without = (cost.macs - cost.classifier_macs) / 1e9
    yield Candidate(f"the classifier is left out ({cost.classifier_macs / 1e9:.3g} G)", without)
    yield Candidate("published are FLOPs, two a multiply-accumulate", 2 * cost.macs / 1e9)
    if row.views:
        yield Candidate(f"all {row.views} views are counted together", row.views * cost.macs / 1e9)


def _norms_and_windows(row: Row) -> Iterator[Candidate]:
    cost, windows = row.cost(), _windows(row.variant, row.setting.size)
    for words, operations in _norms(row, cost) if windows > 1 else ():
        gmacs = (cost.macs + operations + (windows - 1) * cost.window_macs) / 1e9
        yield Candidate(f"{words} and {_window_words(cost, windows)}", gmacs)


def _other_settings(row: Row, printed: float) -> Iterator[tuple[str, Setting]]:
    own, beside = row.setting, {p.size for p in row.siblings()}
    rest = f"; its sibling rows are at {own.size}" if beside == {own.size} else f", not at the row's {own.size}"
    for size in row.crops():
        if row.takes(frames=own.frames, size=size):
            yield f"published {printed} is at a {size} crop{rest}", replace(own, size=size)
    for frames in (own.frames // 2, own.frames * 2):
        if row.takes(frames=frames, size=own.size):
            yield f"published {printed} is of {frames} frames, not of {own.frames}", replace(own, frames=frames)


def _cut_off(row: Row, setting: Setting, printed: float) -> Iterator[Candidate]:
    gmacs = row.counting.cost(setting).macs / 1e9
    if cut_to(gmacs, printed):
        yield Candidate(_cut(gmacs, printed), printed)


def _multiples(row: Row, printed: float, datasets: Collection[str] | None = None) -> Iterator[Candidate]:
    """What the source prints for the same net at fewer frames, times how many fewer."""
    for times, verb in ((2, "doubled"), (4, "times four")):
        clip = (row.setting.frames // times, row.setting.size)
        beside = [p for p in row.kin() if (p.frames, p.size) == clip and (not datasets or p.dataset in datasets)]
        for gmacs in (p.gmacs for p in beside if p.gmacs):
            yield Candidate(f"{printed} is the {gmacs} printed at {clip[0]} frames, {verb}", times * gmacs, exact=True)
        if beside:
            return


def _doubled(row: Row, setting: Setting, printed: float) -> Iterator[Candidate]:
    """Our count of half the frames, rounded and then doubled; not where the source's other nets speak against that."""

    def twice(variant: str, classes: int, digits_of: float) -> float:
        half = Setting(variant=variant, classes=classes, frames=setting.frames // 2, size=setting.size)
        return 2 * as_printed(row.counting.cost(half).macs / 1e9, digits_of)

    if setting.frames % 2 or not row.takes(frames=setting.frames // 2, size=setting.size):
        return
    total = twice(setting.variant, setting.classes, printed)
    if total != printed:
        return
    for variant in families()[row.variant.family].variants.values():
        for p in variant.published:
            same = (p.frames, p.size) == (setting.frames, setting.size) and _document(p) == _document(row.published)
            if same and p.gmacs and twice(variant.name, variant.classes, p.gmacs) != p.gmacs:
                return
    half = row.counting.cost(replace(setting, frames=setting.frames // 2)).macs / 1e9
    words = f"{show(half, printed)} at {setting.frames // 2} frames, rounded to {total / 2:g} and then doubled"
    yield Candidate(f"{printed} is {words}", total, exact=True)


def _norms(row: Row, cost: Cost) -> Iterator[tuple[str, int]]:
    """That a figure counts normalisation, in words, and the operations that fvcore would count of it."""
    whose = "pytorchvideo's figure" if "pytorchvideo" in row.published.source else "the figure"
    of_layers = LAYER_NORM_OPERATIONS * cost.layer_normalised
    if of_layers and not cost.normalised:
        how = f"{of_layers / 1e9:.2g} G: {LAYER_NORM_OPERATIONS} an element, as fvcore counts"
        yield f"{whose} counts layer normalisation ({how})", of_layers
    for each, when in NORM_OPERATIONS.items() if cost.normalised else ():
        operations = each * cost.normalised + of_layers
        kind = "batch and layer normalisation" if of_layers else "batch normalisation"
        several = f"{each} and {LAYER_NORM_OPERATIONS}" if of_layers else f"{each}"
        how = f"{operations / 1e9:.2g} G: {several} an element, as fvcore counts {when}"
        yield f"{whose} counts {kind} ({how})", operations


def _window_words(cost: Cost, windows: int) -> str:
    return (
        f"runs the head for each of {windows} windows of the test crop ({(windows - 1) * cost.window_macs / 1e9:.2g} G)"
    )


def _windows(variant: Variant, size: int) -> int:
    """How many windows as large as the training crop's last map fit into that of a larger crop."""
    steps = -(-size // variant.stride) - -(-variant.size // variant.stride)
    return max(steps + 1, 1) ** 2


def _cut(value: float, printed: float) -> str:
    return f"{printed} is {show(value, printed, more=2)} cut off after its last digit, not rounded"


def _tells(value: float, ours: float, printed: float, *, exact: bool = False) -> bool:
    return rounds_to(value, printed) and (exact or abs(value - ours) >= unit(printed))


def _matches(value: float, printed: float) -> bool:
    return rounds_to(value, printed) or cut_to(value, printed)


def _document(published: Published) -> str:
    """The page a row is from, without its table."""
    return published.source.partition(",")[0]
