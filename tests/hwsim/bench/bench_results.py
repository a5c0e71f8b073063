"""Results as a benchmark would have them, made up."""

from __future__ import annotations

from hwsim.bench.play import Run
from hwsim.bench.results import Results
from hwsim.demo.marks import Marks


def run(contender: str, fault: str, number: int, pbx: float | None, line: float | None) -> Run:
    detected = 0.01 if contender == "asha" else None
    marks = Marks(detected=detected, relay_moved=0.02, pbx_answering=pbx, line_in_service=line)
    return Run(contender, fault, number, marks, load=0.5)


def two_contenders() -> Results:
    """asha and a peer that is twice as slow to answer, one fault, three runs each."""
    results = Results()
    for number, pbx in enumerate((0.9, 1.0, 1.2), 1):
        results.note_run(run("asha", "asterisk-killed", number, pbx, 5.1))
        results.note_run(run("keepalived", "asterisk-killed", number, pbx * 2, 5.1))
    return results
