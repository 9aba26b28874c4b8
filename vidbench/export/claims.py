"""The checked claims as one JSON object: `rows` of published figures, and `claims` with what can be told of each."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from vidbench.claims import Answer, Finding


def write_claims(findings: Sequence[Finding], answers: Sequence[Answer]) -> str:
    """Every finding and answer in base units (percent for differences); unknown figures are null."""
    rows = []
    for finding in findings:
        row = asdict(finding)
        published = row.pop("published")
        row["setting"] |= {"dataset": published["dataset"], "views": published["views"]}
        rows.append({**row, "published": {key: published[key] for key in ("gmacs", "params_m", "source")}})
    claims = []
    for answer in answers:
        line = asdict(answer)
        claim = line.pop("claim")
        claimed = claim["factors"].get(answer.quantity)
        shared = {key: claim[key] for key in ("family", "text", "source")}
        claims.append({**shared, "claimed": claimed, **line})
    return json.dumps({"rows": rows, "claims": claims}, indent=2, ensure_ascii=False)
