"""How well a page of ours fits theirs: what the score must and must not do, whatever the words are."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.topic_fit import FITS, FitUnknown, Ours, Shelf, Shelves, Theirs, TopicFit, why

WORDS = st.text("abcde", min_size=3, max_size=8)
WEIGHED = st.dictionaries(WORDS, st.sampled_from([0.7, 1.0, 1.5]), max_size=8)


@st.composite
def pages(draw: st.DrawFn) -> list[Ours]:
    made = []
    for number in range(draw(st.integers(1, 4))):
        words = draw(st.dictionaries(WORDS, st.sampled_from([1.0, 2.0, 3.0]), min_size=1, max_size=6))
        topic = frozenset(draw(st.sets(st.sampled_from(sorted(words)), min_size=1)))
        made.append(Ours(f"p{number}", draw(st.sampled_from(["en", "de", None])), words, topic))
    return made


@given(pages(), WEIGHED)
def test_a_score_lies_between_0_and_100_and_its_words_are_shared(ours: list[Ours], theirs: dict[str, float]) -> None:
    fit = Shelf(ours).best(theirs)
    assert fit.score is not None
    assert 0 <= fit.score <= 100
    assert (fit.page is None) == (not fit.shared)
    if fit.page is not None:
        page = next(one for one in ours if one.key == fit.page)
        assert set(fit.shared) <= set(page.words)
        for word in fit.shared:
            assert any(word == other or word in other or other in word for other in theirs)


@given(pages(), WEIGHED, WORDS)
def test_one_more_shared_word_never_makes_a_page_fit_worse(
    ours: list[Ours], theirs: dict[str, float], word: str
) -> None:
    before, after = Shelf(ours).best(theirs), Shelf(ours).best({word: 1.5} | theirs)
    assert (after.score or 0) >= (before.score or 0)


@given(pages(), WEIGHED)
def test_the_order_of_words_decides_nothing(ours: list[Ours], theirs: dict[str, float]) -> None:
    assert Shelf(ours).best(theirs) == Shelf(ours).best(dict(reversed(theirs.items())))


@given(pages(), WEIGHED, st.sampled_from(["en", "de", "fr", None]))
def test_a_fit_has_a_score_or_a_reason_and_never_both(
    ours: list[Ours], theirs: dict[str, float], language: str | None
) -> None:
    fit = Shelves(ours).compare(Theirs(language, theirs))
    assert (fit.score is None) == (fit.unknown is not None)
    assert fit.fits is (None if fit.score is None else fit.score >= FITS)
    if fit.page is not None and language is not None:
        assert next(one for one in ours if one.key == fit.page).language in (language, None)


LATE = Ours("late", "en", {"late": 3.0, "payment": 3.0, "fee": 3.0}, frozenset({"late", "payment", "fee"}))
COMPOST = Ours("kompost", "de", {"kompost": 3.0, "garten": 1.0}, frozenset({"kompost"}), {"kompost": "Kompost"})


def test_what_cannot_be_told_is_unknown_and_says_why() -> None:
    both = Shelves([LATE, COMPOST])
    assert Shelves([]).compare(Theirs("en", {"late": 1.0, "fee": 1.0})).unknown is FitUnknown.NO_PAGES
    assert both.compare(Theirs("fr", {"paiement": 1.0, "retard": 1.0})).unknown is FitUnknown.OTHER_LANGUAGE
    assert both.compare(Theirs("en", {"home": 1.0})).unknown is FitUnknown.NO_TEXT
    unsure = both.compare(
        {"en": Theirs(None, {"cafe": 1.0, "fee": 1.0}), "de": Theirs(None, {"cafe": 1.0, "fee": 1.0})}
    )
    assert unsure.unknown is FitUnknown.LANGUAGE_UNKNOWN
    assert why(unsure).startswith("the language of their page is not known")


def test_a_page_of_unknown_language_may_still_fit_for_certain() -> None:
    theirs = {"late": 1.5, "payment": 1.5, "fee": 1.5}
    fit = Shelves([LATE, COMPOST]).compare({"en": Theirs(None, theirs), "de": Theirs(None, theirs)})
    assert (fit.page, fit.fits) == ("late", True)


def test_nothing_in_common_in_one_language_is_a_zero_and_no_unknown() -> None:
    fit = Shelves([LATE]).compare(Theirs("en", {"tomato": 1.0, "garden": 1.0}))
    assert (fit.page, fit.score, fit.fits, why(fit)) == (None, 0, False, "no page of yours shares a word with theirs")


def test_a_part_of_a_compound_counts_less_than_the_word() -> None:
    shelf = Shelf([COMPOST])
    whole, part = shelf.best({"kompost": 1.0}), shelf.best({"komposthauf": 1.0})
    assert (part.shared, part.score is not None and 0 < part.score < (whole.score or 0)) == (("Kompost",), True)
    assert why(TopicFit("x", 60, ("a", "b", "c", "d"))) == "both speak of a, b, c"


def test_one_word_of_a_topic_of_three_does_not_make_a_fit() -> None:
    one, three = Shelf([LATE]).best({"fee": 1.5}), Shelf([LATE]).best({"fee": 1.5, "late": 1.5, "payment": 1.5})
    assert (one.fits, three.fits) == (False, True)
