"""The rule that turns what checks counted into the answer of a control."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from frameworks.results import FRESH, CheckResult, Evidence, State, coverage, judge

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
# From worst to best; "not covered" is no answer and cannot be reached by evidence.
RANK = [State.FAIL, State.CANNOT_TELL, State.NOT_APPLICABLE, State.PASS]
few = st.integers(min_value=0, max_value=3)
results = st.builds(CheckResult, at=st.just(NOW), passed=few, failed=few, unknown=few)
evidence = st.builds(
    Evidence, check_id=st.sampled_from("abcd"), primary=st.booleans(),
    result=st.none() | results,
)  # fmt: skip
mapped = st.lists(evidence, max_size=5)


def counted(passed: int = 0, failed: int = 0, unknown: int = 0, at: datetime = NOW) -> CheckResult:
    return CheckResult(at, passed, failed, unknown)


def primary(result: CheckResult | None, check_id: str = "one") -> Evidence:
    return Evidence(check_id, True, result)


def supporting(result: CheckResult | None, check_id: str = "other") -> Evidence:
    return Evidence(check_id, False, result)


def test_a_control_without_a_mapping_is_not_covered() -> None:
    assert judge([]).state is State.NOT_COVERED


def test_one_failure_of_a_primary_check_fails_the_control_and_is_named() -> None:
    verdict = judge([primary(counted(passed=9)), primary(counted(9, failed=1), "two")])

    assert verdict.state is State.FAIL
    assert "two" in verdict.reason and "one" not in verdict.reason


def test_a_failure_counts_although_other_rows_cannot_be_told() -> None:
    assert judge([primary(counted(failed=1, unknown=50))]).state is State.FAIL


def test_every_primary_check_passing_is_a_pass() -> None:
    assert judge([primary(counted(3)), primary(counted(1), "two")]).state is State.PASS


def test_one_row_that_cannot_be_told_takes_the_pass_away() -> None:
    assert judge([primary(counted(99, unknown=1))]).state is State.CANNOT_TELL


def test_a_primary_check_that_never_ran_takes_the_pass_away_and_is_named() -> None:
    verdict = judge([primary(counted(3)), primary(None, "two")])

    assert verdict.state is State.CANNOT_TELL
    assert verdict.reason == "No result yet of two."


def test_a_primary_check_over_nobody_beside_one_that_passes_is_no_pass() -> None:
    assert judge([primary(counted(3)), primary(counted(), "two")]).state is State.CANNOT_TELL


def test_checks_that_all_ran_over_nobody_are_not_applicable() -> None:
    assert judge([primary(counted()), supporting(counted())]).state is State.NOT_APPLICABLE


def test_a_check_that_never_ran_is_not_the_same_as_one_over_nobody() -> None:
    assert judge([primary(counted()), supporting(None)]).state is State.CANNOT_TELL


def test_supporting_checks_alone_show_neither_pass_nor_failure() -> None:
    assert judge([supporting(counted(5))]).state is State.CANNOT_TELL
    assert judge([supporting(counted(5, failed=1))]).state is State.CANNOT_TELL


def test_a_failing_supporting_check_leaves_the_pass_and_is_named() -> None:
    verdict = judge([primary(counted(3)), supporting(counted(failed=1))])

    assert verdict.state is State.PASS
    assert "other" in verdict.reason


def test_an_old_pass_is_unknown_and_an_old_failure_stays_one() -> None:
    late = NOW + FRESH + timedelta(seconds=1)

    assert judge([primary(counted(3).as_of(late))]).state is State.CANNOT_TELL
    assert judge([primary(counted(3, failed=1).as_of(late))]).state is State.FAIL
    assert judge([primary(counted(3).as_of(NOW + FRESH))]).state is State.PASS


def test_an_old_result_over_nobody_says_nothing() -> None:
    late = NOW + FRESH + timedelta(seconds=1)

    assert judge([primary(counted().as_of(late))]).state is State.CANNOT_TELL


@given(mapped)
def test_without_data_nothing_passes(mapped: list[Evidence]) -> None:
    if judge(mapped).state is State.PASS:
        must = [one for one in mapped if one.primary]
        assert must
        assert all(one.result is not None and one.result.passed > 0 for one in must)
        assert not any(one.result.failed or one.result.unknown for one in must if one.result)


@given(mapped, st.data())
def test_more_that_is_unknown_never_makes_the_answer_better(
    mapped: list[Evidence], data: st.DataObject
) -> None:
    ran = [place for place, one in enumerate(mapped) if one.result is not None]
    if not ran:
        return
    place = data.draw(st.sampled_from(ran))
    result = mapped[place].result
    assert result is not None
    worse = list(mapped)
    worse[place] = replace(mapped[place], result=replace(result, unknown=result.unknown + 1))

    assert RANK.index(judge(worse).state) <= RANK.index(judge(mapped).state)


@given(mapped, st.data())
def test_losing_a_result_never_turns_an_answer_into_a_pass(
    mapped: list[Evidence], data: st.DataObject
) -> None:
    if not mapped:
        return
    place = data.draw(st.integers(0, len(mapped) - 1))
    silent = list(mapped)
    silent[place] = replace(mapped[place], result=None)

    if judge(silent).state is State.PASS:
        assert judge(mapped).state is State.PASS


@given(mapped)
def test_every_answer_has_a_reason_and_the_order_of_checks_does_not_matter(
    mapped: list[Evidence],
) -> None:
    assert judge(mapped).reason.endswith(".")
    assert judge(mapped).state is judge(mapped[::-1]).state


@given(mapped)
def test_coverage_is_a_share_and_no_pass_has_less_than_what_its_primary_checks_weigh(
    mapped: list[Evidence],
) -> None:
    share = coverage(mapped)

    assert 0 <= share.passed <= share.known <= 1
    if judge(mapped).state is State.PASS:
        assert share.passed >= 3 / (3 + sum(not one.primary for one in mapped))


@given(mapped, st.data())
def test_what_cannot_be_told_lowers_coverage_and_never_raises_it(
    mapped: list[Evidence], data: st.DataObject
) -> None:
    if not mapped:
        return
    place = data.draw(st.integers(0, len(mapped) - 1))
    silent = [
        replace(one, result=None, said="No source connected") if n == place else one
        for n, one in enumerate(mapped)
    ]

    before, after = coverage(mapped), coverage(silent)

    assert after.passed <= before.passed
    assert after.known <= before.known or mapped[place].state is State.NOT_APPLICABLE


def test_a_check_without_a_source_says_so_in_the_reason_of_its_control() -> None:
    verdict = judge([Evidence("one", True, None, "No source connected")])

    assert verdict.state is State.CANNOT_TELL
    assert verdict.reason == "No source connected: one."


def test_nobody_passes_a_list_of_risks() -> None:
    assert State.PASS.label_in("risk-list") == State.PASS.label_in("threat-model")
    assert State.PASS.label_in("risk-list") == "Evidence of mitigation"
    assert State.PASS.label_in("control-catalogue") == "Pass"
