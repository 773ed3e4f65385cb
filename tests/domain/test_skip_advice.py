"""What skips say about floors: only a habit, only a floor that catches it, and never one that costs people whom somebody wrote to."""

from app.domain.skip_advice import FEWEST, Advised, AdvisedLanguages, floor_from, languages_from


def test_the_lowest_floor_that_catches_three_quarters():
    assert floor_from([3, 8, 11, 14, 17, 18, 60, 90], [55.0, 71.0]) == Advised(20, 6, 8, 0, 2)
    assert floor_from([20.0] * FEWEST, []) == Advised(25, FEWEST, FEWEST, 0, 0)
    assert floor_from([19.9] * FEWEST, []) == Advised(20, FEWEST, FEWEST, 0, 0)


def test_a_few_are_no_habit():
    assert floor_from([3.0] * (FEWEST - 1), []) is None


def test_no_floor_where_people_write_to_what_lies_below_it():
    skipped = [10.0] * FEWEST
    assert floor_from(skipped, [5.0] + [50.0] * 9) == Advised(15, FEWEST, FEWEST, 1, 10)
    assert floor_from(skipped, [5.0, 5.0] + [50.0] * 9) is None


def test_no_floor_above_the_scale():
    assert floor_from([100.0] * FEWEST, []) is None


def test_languages_are_those_of_the_site_and_of_whom_somebody_wrote_to():
    skipped = ["fr"] * 5 + ["pl"] * 2 + ["en"]
    assert languages_from(skipped, ["de"], "en") == AdvisedLanguages(("de", "en"), ("fr", "pl"), 7, 8)


def test_no_languages_without_a_habit_or_without_one_of_ours():
    assert languages_from(["fr"] * (FEWEST - 1), [], "en") is None
    assert languages_from(["fr"] * FEWEST, [], None) is None
    assert languages_from(["fr"] * FEWEST, ["fr"], "en") is None
    assert languages_from(["fr"] * 5 + ["en"] * 3, [], "en") is None
