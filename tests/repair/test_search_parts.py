"""The parts of the search that decide: scores, population, and how boldly it explores."""

# pyright: basic
from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.repair.read.diagnose import diagnose
from proxy.repair.search.candidates import Variation
from proxy.repair.search.gates import Gate
from proxy.repair.search.judge import WEIGHTS, judge
from proxy.repair.search.population import Intensity, Population, worth
from proxy.repair.search.priors import PRIORS
from proxy.repair.search.propose import propose, repairs
from proxy.repair.search.recall import counted, likelihood
from proxy.repair.view.step import Evidence
from proxy.store.memory import Memories
from proxy.store.sql import Place
from proxy.store.state import open_state
from schemas.catalog import catalog_of
from schemas.config import Evolution
from schemas.edit import Confidence, DropArgument, Proposal, RemoveStep
from schemas.plan import Plan, Step
from schemas.problem import Refused, UnknownTool
from schemas.trial import Candidate, Execution, Outcome, Rivals, Score, StepRun, Verdict
from tests.fakes import world
from tests.promises import promise
from tests.scenarios.worlds import shop, units

CATALOG = world(shop(), units()).catalog
PROBLEM = UnknownTool(step="a", tool="t", message="m")


def ran(step: Step, value: Any = None, verdict: Verdict = Verdict.OK) -> StepRun:
    return StepRun(step.id, step.server or "", step.tool, step.arguments, verdict, value=value or {"x": 1}, call_id="c")


def scored(
    submitted: Plan, plan: Plan, *, bad: frozenset[str] = frozenset(), lineage: tuple[Proposal, ...] = ()
) -> Score:
    runs = {s.id: ran(s, verdict=Verdict.FAILED if s.id in bad else Verdict.OK) for s in plan.steps}
    candidate = Candidate(plan, lineage, Execution(runs, calls=len(runs)))
    return judge(submitted, candidate, (), Evidence(CATALOG, runs)).score


TWO = Plan(
    (
        Step("a", "get_product", {"sku": "can-05"}, "shop"),
        Step("b", "search_products", {"query": "hose", "max_price": 50}, "shop"),
    )
)


@promise("fidelity-costs")
def test_a_plan_that_did_all_that_was_asked_scores_one() -> None:
    score = scored(TWO, TWO)
    assert score.total == 1
    assert all(getattr(score, measure.__name__) == 1 for measure in WEIGHTS)


@promise("fidelity-costs")
def test_a_step_that_vanished_costs_more_than_one_that_failed() -> None:
    fewer = Plan(TWO.steps[:1])
    assert scored(TWO, fewer).total < scored(TWO, TWO, bad=frozenset({"b"})).total < 1


@promise("fidelity-costs")
def test_a_literal_that_vanished_costs() -> None:
    without = TWO.with_step(replace(TWO.steps[1], arguments={"query": "hose"}))
    drop = Proposal(PROBLEM, (DropArgument("b", ("max_price",)),), "r", "e", Confidence.EVIDENT)
    assert scored(TWO, without, lineage=(drop,)).total < scored(TWO, TWO).total


@promise("fidelity-costs")
def test_a_literal_written_as_another_type_is_still_there() -> None:
    typed = TWO.with_step(replace(TWO.steps[1], arguments={"query": "hose", "max_price": "50"}))
    assert scored(typed, TWO).parameter_accuracy == 1


@promise("fidelity-costs")
def test_an_output_that_leads_nowhere_costs() -> None:
    good = replace(TWO, output={"v": {"$ref": "a", "path": "x"}})
    bad = replace(TWO, output={"v": {"$ref": "a", "path": "y"}})
    assert scored(bad, bad).total < scored(good, good).total


@promise("fidelity-costs")
def test_a_step_that_was_declared_superfluous_is_not_missed() -> None:
    remove = Proposal(PROBLEM, (RemoveStep("b"),), "inner_step", "e", Confidence.EVIDENT)
    assert scored(TWO, Plan(TWO.steps[:1]), lineage=(remove,)).task_fulfilment == 1


@promise("fidelity-costs")
def test_a_guess_costs_more_than_what_is_evident() -> None:
    def with_sureness(sure: Confidence) -> float:
        return scored(TWO, TWO, lineage=(Proposal(PROBLEM, (), "r", "e", sure),)).total

    assert with_sureness(Confidence.GUESS) < with_sureness(Confidence.EVIDENT) == with_sureness(Confidence.LOSSLESS)


@promise("report-fields")
def test_the_weights_share_one() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)


# population


def member(tool: str, total: float, kind: int = 0, edits: int = 0) -> Candidate:
    problems = (Refused(step="a", message="m", text="t"), PROBLEM)[:kind]
    lineage = (Proposal(PROBLEM, (), "r", "e", Confidence.GUESS),) * edits
    plan = Plan((Step("a", tool, {"n": total, "k": edits}, "s"),))
    return Candidate(plan, lineage, outcome=Outcome(problems, Score(total=total)))


MEMBERS = st.builds(member, st.sampled_from(["t", "u", "v"]), st.floats(0, 1), st.integers(0, 2), st.integers(0, 3))


@promise("diverse-population")
@given(st.lists(MEMBERS, min_size=1, max_size=30), st.integers(1, 6))
def test_the_best_is_never_lost_and_the_size_is_kept(members: list[Candidate], size: int) -> None:
    population, best = Population(size), None
    for each in members:
        population.record(each)
        best = each if best is None or worth(each) > worth(best) else best
        assert population.best is not None
        assert worth(population.best) == worth(best or each)
        assert len(population.members) <= size
        assert not population.untried(each.plan.key)


@promise("diverse-population")
def test_members_are_ranked_worthiest_first() -> None:
    population = Population(10)
    for total in (0.1, 0.9, 0.4):
        population.record(member("t", total, 1))
    assert [each.outcome.score.total for each in population.ranked()] == [0.9, 0.4, 0.1]


# intensity

SCORES = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)


@promise("repeatable")
@given(st.lists(st.tuples(SCORES, SCORES), max_size=30))
def test_exploration_stays_within_its_bounds(steps: list[tuple[float, float]]) -> None:
    state = Intensity()
    for best, child in steps:
        before = state
        state = state.after(best, child)
        assert state.least <= state.exploration <= state.most
        assert state.stagnant == (0 if child > best else before.stagnant + 1)


@promise("repeatable")
def test_growth_calms_the_search_and_stagnation_emboldens_it() -> None:
    calm = Intensity().after(0.5, 0.9)
    bold = calm
    for _ in range(30):
        bold = bold.after(0.9, 0.9)
    assert calm.exploration < bold.exploration <= Intensity().exploration
    assert bold.stagnant == 30


@promise("repeatable")
def test_growth_from_a_score_of_zero_counts_and_does_not_explode() -> None:
    state = Intensity().after(0.0, 0.6)
    assert state.stagnant == 0
    assert 0 < state.growth < 1


@promise("repeatable")
def test_boldness_that_is_not_adaptive_stays_least() -> None:
    assert Intensity(adaptive=False).after(0.1, 0.9).exploration == Intensity().least


# proposals


@promise("abstains")
def test_every_proposal_says_why_and_how_sure() -> None:
    plan = Plan((Step("a", "search_product", {"Query": "hose", "max_price": "fifty"}, None),))
    evidence = Evidence(CATALOG)
    found = [p for problem in diagnose(plan, evidence) for p in propose(problem, _here(plan, evidence))]
    assert found
    for proposal in found:
        assert proposal.rule
        assert proposal.evidence
        assert 0 <= proposal.score <= 1
        assert proposal.edits
    for option in repairs(plan, "a", evidence):
        assert option.confidence == max((p.confidence for p in option.proposals), key=lambda c: c.rank)


def _here(plan: Plan, evidence: Evidence) -> Any:
    from proxy.repair.read.diagnose import view_of

    return view_of(plan, plan.steps[0], evidence)


@promise("sound-plan-untouched")
def test_a_sound_step_has_no_problem_and_no_repair() -> None:
    assert diagnose(TWO, Evidence(CATALOG)) == ()
    assert repairs(TWO, "a", Evidence(CATALOG)) == []
    assert repairs(TWO, "nobody", Evidence(CATALOG)) == []


@promise("abstains")
def test_equally_likely_repairs_are_guesses() -> None:
    """Two tools of equally near names: the evidence singles out neither."""
    twins = catalog_of(
        type(tool)(tool.server, name, f"shop__{name}", {**tool.raw, "name": name})
        for tool in CATALOG
        if tool.name == "get_product"
        for name in ("get_product_a", "get_product_b")
    )
    plan = Plan((Step("a", "get_product_c", {"sku": "x"}),))
    options = repairs(plan, "a", Evidence(twins))
    assert {option.plan.steps[0].tool for option in options} == {"get_product_a", "get_product_b"}
    assert {option.confidence for option in options} == {Confidence.GUESS}


# what experience changes


def a_guess(rule: str, score: float = 0.5) -> Proposal:
    return Proposal(PROBLEM, (RemoveStep(rule),), rule, "e", Confidence.GUESS, score)


@promise("repeatable")
def test_what_worked_comes_first_and_what_is_sure_is_as_likely_as_before() -> None:
    mine = {counted(a_guess("one")): (9, 1), counted(a_guess("two")): (1, 9)}
    assert likelihood([a_guess("two", 0.6)], {}) > likelihood([a_guess("one")], {})
    assert likelihood([a_guess("two", 0.6)], mine) < likelihood([a_guess("one")], mine)
    assert likelihood([replace(a_guess("two"), confidence=Confidence.EVIDENT)], mine) == 1


@promise("abstains")
@given(st.dictionaries(st.sampled_from(sorted(PRIORS)), st.tuples(st.integers(0, 99), st.integers(0, 99))))
def test_experience_changes_the_order_of_guesses_and_not_which_may_be_tried(mine: dict[str, tuple[int, int]]) -> None:
    plan, evidence = Plan((Step("a", "find_products", {"query": "hose"}, None),)), Evidence(CATALOG)
    population, gate = Population(), Gate(plan, lambda _: [])
    parent = Candidate(plan)
    population.record(parent)

    def offered(counts: dict[str, tuple[int, int]]) -> list[Any]:
        variation = Variation(plan, evidence, gate, population, Evolution(), counts)
        return variation.options(parent, plan, "a", evidence)

    def sureness(options: list[Any]) -> list[Any]:
        return sorted((option.plan.key, option.confidence, option.score) for option in options)

    assert offered({})
    assert sureness(offered(mine)) == sureness(offered({}))


@promise("repeatable")
async def test_counts_are_kept_beside_what_was_learnt_earlier(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with closing(place.open("state")) as earlier:
        lesson = ["k", '{"op": "drop_argument"}', "guess", "r", 1, 0]
        earlier.run("INSERT INTO lessons (key, edit, confidence, rule, times, at) VALUES (?, ?, ?, ?, ?, ?)", lesson)
    rivals = (Rivals("a", 0, 1, ((a_guess("two"),),)),)
    with open_state(place) as state:
        memories = Memories(state)
        await memories.begin()
        memories.count(Candidate(TWO, (a_guess("one"),), rivals=rivals))
        memories.count(Candidate(TWO, (a_guess("one"),)))
    with open_state(place) as state:
        memories = Memories(state)
        await memories.begin()
        assert list(memories.lessons) == ["k"]
        assert memories.counts == {counted(a_guess("one")): (2, 0), counted(a_guess("two")): (0, 1)}
