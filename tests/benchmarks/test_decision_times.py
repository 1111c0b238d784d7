"""What is timed is what it is called: sound calls pass, broken ones are repaired, a hopeless one fails."""

from __future__ import annotations

from evals.latency.__main__ import measure


async def test_each_case_ends_as_its_name_says() -> None:
    ends = {name: end for name, _, end in await measure(tools=40, rounds=3)}
    assert ends.pop("sound call") == "passed"
    assert ends.pop("missing argument (no repair)") == "failed"
    assert ends.pop("sound plan of ten steps") == "succeeded"
    assert set(ends.values()) == {"repaired"}
