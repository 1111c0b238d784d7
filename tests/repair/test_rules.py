"""Every rule's examples, the table that the rules make, and the page that they write."""

# pyright: basic
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from catalog_cache.merge import merge
from proxy.repair import rules
from proxy.repair.edits import Inapplicable, apply
from proxy.repair.read.diagnose import static_problems, view_of
from proxy.repair.read.refused import refusal_problems
from proxy.repair.rule import SERVER, STEP, Example, Rule
from proxy.repair.rules.__main__ import page
from proxy.repair.search.priors import PRIORS
from proxy.repair.search.recall import Lesson, key_of, recalled
from proxy.repair.view.step import Evidence, Seen, StepView
from proxy.repair.view.values import MISSING
from schemas.catalog import Effect, canonical
from schemas.edit import Confidence, Edit, Proposal, RenameArgument
from schemas.problem import Problem, UnexpectedArgument
from schemas.trial import Reply, StepRun, Verdict

EXAMPLES = [(rule, example) for rule in rules.RULES for example in rule.examples]
MENDED = [pair for pair in EXAMPLES if pair[1].becomes is not MISSING]
LEFT = [pair for pair in EXAMPLES if pair[1].becomes is MISSING]


def told(pair: Any) -> str:
    return pair.id if isinstance(pair, Rule) else canonical(pair.sent)[:40] if isinstance(pair, Example) else repr(pair)


def view(example: Example) -> StepView:
    """The example's step, with all that is known of it."""
    hint = {"readOnlyHint": True}
    tools = [{"name": name, "inputSchema": schema, "annotations": hint} for name, schema in example.schemas.items()]
    plan = example.plan
    runs = {
        one.id: StepRun(one.id, SERVER, one.step.tool, one.sent, Verdict.OK, value=one.returned)
        for one in example.before
        if one.returned is not MISSING
    }
    session = tuple(Seen(SERVER, "earlier", {}, value) for value in example.session)
    evidence = Evidence(merge({SERVER: tools}), runs, session, single=bool(session))
    here = view_of(plan, next(step for step in plan.steps if step.id == STEP), evidence)
    if not example.refused:
        return here
    said = Reply(result={"isError": True, "content": [{"type": "text", "text": example.refused}]})
    run = StepRun(STEP, SERVER, example.called, here.resolved[0], Verdict.REFUSED, said)
    return view_of(plan, here.step, replace(evidence, runs={**runs, STEP: run}))


def offered(rule: Rule, example: Example) -> list[Proposal]:
    """What the rule proposes for the problems of an example, surest first; that it solves one of them is held."""
    here = view(example)
    problems = [problem for problem in problems_of(here) if isinstance(problem, rule.solves)]
    assert problems, f"nothing that {rule.id} solves: {problems_of(here)}"
    found = [proposal for problem in problems for proposal in rule.proposals(problem, here)]
    return sorted(found, key=lambda proposal: (proposal.confidence.rank, -proposal.score))


def problems_of(here: StepView) -> list[Problem]:
    return [*static_problems(here), *refusal_problems(here)]


@pytest.mark.parametrize(("rule", "example"), MENDED, ids=told)
def test_what_a_rule_mends(rule: Rule, example: Example) -> None:
    best = offered(rule, example)[0]
    assert best.rule == rule.id
    assert best.evidence
    if isinstance(example.becomes, Edit):
        assert best.edits == (example.becomes,)
        return
    plan = apply(example.plan, best.edits)
    assert not isinstance(plan, Inapplicable), plan
    assert canonical(plan.by_id[STEP].arguments) == canonical(example.becomes)


@pytest.mark.parametrize(("rule", "example"), LEFT, ids=told)
def test_what_a_rule_leaves_alone(rule: Rule, example: Example) -> None:
    assert offered(rule, example) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=told)
def test_a_rule_is_named_by_its_file_and_shows_what_it_does_and_what_it_does_not(rule: Rule) -> None:
    assert rule.propose.__module__ == f"proxy.repair.rules.{rule.id}"
    assert rule.propose.__doc__
    assert {example.becomes is MISSING for example in rule.examples} == {True, False}


def test_every_problem_has_its_row() -> None:
    assert set(rules.BY_PROBLEM) == set(get_args(Problem))
    assert {rule.id for row in rules.BY_PROBLEM.values() for tier in row for rule in tier} == {
        r.id for r in rules.RULES
    }


def test_the_page_is_what_the_rules_say() -> None:
    written = Path(__file__).parents[2] / "docs" / "rules.md"
    assert written.read_text() == page(), "python -m proxy.repair.rules > docs/rules.md"


NEW = '''
from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from schemas.edit import Confidence, SetArgument
from schemas.problem import OutputBroken


def propose(problem, here):
    """Say please."""
    yield Offer((SetArgument(here.step.id, ("please",), True),), "manners", Confidence.GUESS)


RULE = Rule("say_please", (OutputBroken,), Tier.ELSEWHERE, propose, ())
'''


def test_a_new_file_is_a_new_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "say_please.py").write_text(NEW)
    (tmp_path / "_shared.py").write_text("raise AssertionError('no rule')")
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(tmp_path)])
    table = rules.by_problem(rules.collected(rules.__path__))
    (asked,) = [rule for tier in table[get_args(Problem)[16]] for rule in tier]
    assert asked.id == "say_please"


def test_a_lesson_of_a_rule_that_is_no_more_is_still_recalled() -> None:
    here = view(Example({"day": {"type": "string"}}, {"date": "x"}))
    problem = next(problem for problem in problems_of(here) if isinstance(problem, UnexpectedArgument))
    written = {"op": "rename_argument", "at": ["date"], "name": "day"}
    memory = {key_of(problem, here): Lesson(written, Confidence.EVIDENT, "a rule of long ago")}
    (found,) = recalled(problem, here, memory)
    assert found.edits == (RenameArgument(STEP, ("date",), "day"),)
    assert found.confidence is Confidence.EVIDENT
    assert here.tool is not None
    changing = replace(here, tool=replace(here.tool, override=Effect.WRITE))
    (found,) = recalled(problem, changing, memory)
    assert found.confidence is Confidence.GUESS


def test_counts_that_ship_are_of_rules_that_there_are() -> None:
    assert {counted_under.split()[0] for counted_under in PRIORS} <= {rule.id for rule in rules.RULES}
