"""The words by which two texts are asked whether they share one."""

from app.domain.stems import stems


def test_addresses_accents_endings_and_words_that_say_nothing():
    assert stems("https://x.test/blog/Café-Policies_and%20News") == {"cafe", "policy", "new"}
    assert stems("The best guide for you") == frozenset()
