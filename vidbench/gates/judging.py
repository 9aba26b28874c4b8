"""A whole result against a baseline: every check, and measuring again until they can be told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vidbench.comparison.pairs import Pair, list_differences, pair_cases
from vidbench.errors import InputError
from vidbench.gates.checks import EXIT_CODES, SUSPECTED, Check, Verdict, check_exact, check_sampled
from vidbench.gates.limits import Limits, Rules
from vidbench.metrics import METRICS
from vidbench.records import Case, Environment, Record
from vidbench.store import Results

Remeasure = Callable[[Sequence[Case], int], Iterable[tuple[Record, Environment]]]
OF_TIME = ("seconds", "clips/s")  # units of what differs between runs by the noise of a machine; memory does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All checks of a gate, and the new runs that they are of, those measured again among them."""

    checks: tuple[Check, ...]
    new: Results

    @property
    def verdict(self) -> Verdict:
        """The gravest of all; a gate without a check has no baseline."""
        verdicts = {check.verdict for check in self.checks}
        return next((verdict for verdict in EXIT_CODES if verdict in verdicts), "no baseline")

    @property
    def exit_code(self) -> int:
        """What the command line ends with."""
        return EXIT_CODES[self.verdict]


@dataclass(slots=True)
class _Gate:
    """What stays the same from look to look, and since how many runs something has been above its limit."""

    limits: Limits
    noise: float
    rules: Rules
    measures: bool
    suspected: dict[tuple[Case, str], int] = field(default_factory=dict)

    def check(self, pair: Pair) -> list[Check]:
        """A check for each limited metric that either side has."""
        failed = [record.failure.message for record in pair.new if record.failure]
        if failed:
            return [_lack(pair.case, "could not measure", f"{len(failed)} of {len(pair.new)} runs failed: {failed[0]}")]
        checks = [
            check_exact(pair, metric, limit) if METRICS[metric].kind == "exact" else self._sampled(pair, metric, limit)
            for metric, limit in self.limits.of(pair.case).items()
        ]
        return [check for check in checks if check is not None]

    def _sampled(self, pair: Pair, metric: str, limit: float) -> Check | None:
        key = (pair.case, metric)
        since = self.suspected.get(key) if self.measures else len(pair.new) // 2
        noise = self.noise if METRICS[metric].unit in OF_TIME else 0.0
        check = check_sampled(pair, metric, limit, noise=noise, rules=self.rules, confirmed_from=since)
        if check is not None and check.reason == SUSPECTED:
            self.suspected[key] = len(pair.new)
        else:
            self.suspected.pop(key, None)
        return check

    def wants_more(self, pair: Pair, checks: Iterable[Check]) -> bool:
        """Whether more runs of the case may tell more."""
        verdicts = {check.verdict for check in checks}
        if pair.differ or verdicts & {"regression", "could not measure"}:
            return False
        if any(check.reason == SUSPECTED for check in checks):
            return True
        return "inconclusive" in verdicts and len(pair.new) < self.rules.most


def judge(
    baseline: Results,
    new: Results,
    limits: Limits | None = None,
    *,
    remeasure: Remeasure | None = None,
    noise: float = 0.0,
    rules: Rules | None = None,
) -> Judgement:
    """Check the new runs against the baseline's.

    Args:
        baseline: the runs to compare with; sampled figures are compared within one environment alone.
        new: the runs to judge.
        limits: by how much each metric may be worse; default is LIMITS.
        remeasure: measures cases again, so many times each; it is asked where nothing can be told yet, and before
            anything is called a regression. Without it, the later half of a case's runs must confirm what all say.
        noise: by how much times of one and the same thing differ between runs on this machine, as a share, where that
            is known; the runs' own spread is taken in any case.
        rules: how sure to be.

    Raises:
        InputError: what is measured again is of another environment than `new`.
    """
    gate = _Gate(limits or Limits(), noise, rules or Rules(), remeasure is not None)
    while True:
        pairing = pair_cases(baseline, new)
        looked = [(pair, gate.check(pair)) for pair in pairing.pairs]
        again = list(dict.fromkeys(pair.case for pair, checks in looked if gate.wants_more(pair, checks)))
        added = list(remeasure(again, gate.rules.rounds)) if remeasure and again else []
        if not added:
            break
        environments = {record.environment: environment for record, environment in added}
        _check_place(new, {r.environment: environment for r, environment in added if not r.failure})
        new = Results((*new.records, *(record for record, _ in added)), {**new.environments, **environments})
    checks = [check for _, found in looked for check in found]
    gone = "is in the baseline, but was not measured now; measure it, or update the baseline"
    checks += [_lack(case, "could not measure", gone) for case in pairing.only_old]
    checks += [_lack_baseline(case, new) for case in pairing.only_new]
    return Judgement(checks=tuple(checks), new=new)


def _check_place(new: Results, added: Mapping[str, Environment]) -> None:
    """Raise InputError where runs were measured again in an environment that the results do not have."""
    for key, environment in added.items():
        if new.environments and key not in new.environments:
            differ = "; ".join(list_differences(next(iter(new.environments.values())), environment))
            raise InputError(
                f"what is measured again here is of another stack than the results ({differ}; theirs / here); measure "
                "the results here, too, or do without measuring again"
            )


def _lack(case: Case, verdict: Verdict, reason: str) -> Check:
    return Check(case=case, metric="", verdict=verdict, reason=reason)


def _lack_baseline(case: Case, new: Results) -> Check:
    """Of a case that the baseline does not have."""
    failed = next((r.failure for r in new.records if replace(r.case, repeat=0) == case and r.failure), None)
    if failed:
        return _lack(case, "could not measure", failed.message)
    return _lack(case, "no baseline", "is not in the baseline; `vidbench baseline update` adds it")
