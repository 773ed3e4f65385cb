"""The pitch contract: the shared word vectors, and one broken message for each rule."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.pitch_contract import MAX_WORDS, RULES, PitchDraft, check, count_words
from app.domain.pitch_links import find_urls, is_homepage, link_key
from tests.support.growth import LINEAR, growth, repeated

VECTORS = json.loads((Path(__file__).parent / "data" / "pitch-words.json").read_text(encoding="utf-8"))
OPT_OUT = 'Reply "unsubscribe" and I will not write to you again.'
OURS = "https://acme.example/guides/link-audit"
THEIRS = "https://growth-notes.example/blog/audit"
TEXT = f"""Hi Dana,

Your page {THEIRS} says "teams such as Acme Metrics do this" without a link.
Our guide is here: {OURS}

{OPT_OUT}

--
Ana Keller
1 Example Street
"""


def html_of(text: str) -> str:
    done = ""
    for url in find_urls(text):
        before, text = text.split(url, 1)
        done += f'{before}<a href="{url}">{url}</a>'
    return f"<!doctype html><html><head><title>t</title></head><body><p>{done}{text}</p></body></html>"


def message(text: str = TEXT, **changes: object) -> PitchDraft:
    good = PitchDraft(
        subject="Your mention of Acme Metrics",
        body_text=text,
        body_html=html_of(text),
        our_domains=("acme.example",),
        our_page=OURS,
        their_domain="growth-notes.example",
        their_page=THEIRS,
        evidence=("Teams such as Acme Metrics do this",),
        opt_out=OPT_OUT,
    )
    return replace(good, **changes)


def names(draft: PitchDraft) -> list[str]:
    broken = check(draft)
    assert all(rule.sentence.endswith(".") or "://" in rule.sentence or rule.name == "no-reason" for rule in broken)
    return [rule.name for rule in broken]


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_shared_word_vectors(vector):
    assert count_words(vector["text"], vector["opt_out"]) == vector["words"]


def test_the_vectors_state_the_limit():
    assert VECTORS["max_words"] == MAX_WORDS


def test_a_good_message_keeps_the_contract():
    assert names(message()) == []


def test_149_words_pass_and_150_are_refused_with_the_count():
    room = MAX_WORDS - count_words(TEXT, OPT_OUT)
    full = TEXT.replace("\n\n" + OPT_OUT, " " + "more " * room + "\n\n" + OPT_OUT)
    assert count_words(full, OPT_OUT) == MAX_WORDS
    assert names(message(full)) == []
    over = full.replace("more ", "more more ", 1)
    [rule] = check(message(over))
    assert (rule.name, rule.sentence) == ("too-long", "Message must be under 150 words. It has 150.")


def changed(old: str, new: str) -> PitchDraft:
    assert old in TEXT
    return message(TEXT.replace(old, new))


BROKEN = {
    "empty-body": message(f"{OPT_OUT}\n\n-- \nAna {OURS} {THEIRS}"),
    "too-long": changed("Our guide", "word " * 150 + "Our guide"),
    "hidden-words": changed("Hi Dana,", "Hi Dana,\n> all of this is hidden"),
    "subject-empty": message(subject=" \u200b "),
    "subject-not-one-line": message(subject="Hello\nBcc: someone@example.com"),
    "subject-too-long": message(subject="x" * 121),
    "our-page-missing": changed(OURS, "on our site"),
    "our-page-many": changed(OURS, f"{OURS} https://www.acme.example/other"),
    "our-page-other": changed(OURS, "https://acme.example/pricing"),
    "our-homepage": message(TEXT.replace(OURS, "https://acme.example/"), our_page="https://acme.example"),
    "their-page-missing": changed(THEIRS, "on audits"),
    "their-page-many": changed(THEIRS, f"{THEIRS} and https://growth-notes.example/blog/other"),
    "their-page-other": changed(THEIRS, "https://growth-notes.example/about"),
    "other-link": changed("Hi Dana,", "Hi Dana, see https://elsewhere.example/x"),
    "tracked-link": changed(OURS, f"{OURS}?utm_source=outreach"),
    "short-link": changed("Hi Dana,", "Hi Dana, see https://bit.ly/3xYz"),
    "shouting": message(subject="PLEASE LINK TO US"),
    "remote-content": message(body_html=html_of(TEXT).replace("<p>", '<p><img src="https://acme.example/p.gif">')),
    "links-differ": message(body_html=html_of(TEXT).replace(f'href="{OURS}"', 'href="https://acme.example/r?to=1"')),
    "parts-differ": message(body_html=html_of(TEXT).replace("Our guide", "Our great guide")),
    "no-reason": changed("teams such as Acme Metrics do this", "something nice"),
    "unresolved-variable": changed("Dana", "{{ first_name }}"),
    "bracket": changed("Dana", "[first name]"),
    "no-opt-out": changed(OPT_OUT, "Thank you."),
}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_broken_by_its_message(name):
    assert name in names(BROKEN[name])


def test_capitals_are_shouting_in_the_message_too_but_a_name_is_none():
    assert "shouting" in names(message(TEXT.upper().replace("HTTPS://", "https://")))
    assert "shouting" not in names(message(subject="NASA and ESA on your page"))
    assert "shouting" not in names(message(subject="SEO FAQ"))


def test_rules_are_reported_in_their_order():
    broken = names(changed("Hi Dana,", "Hi [name], {{ x }} " + "word " * 150))
    assert broken == ["too-long", "unresolved-variable", "bracket"]


@pytest.mark.parametrize(
    "leftover", ["{{ x }}", "{% if %}", "{name}", "${name}", "%FIRSTNAME%", "[name]", "[name", "<first name>", "name]"]
)
def test_leftovers_are_found(leftover):
    assert {"unresolved-variable", "bracket"} & set(names(changed("Dana", leftover)))


def test_a_long_signature_hides_words():
    assert names(changed("Ana Keller", "word " * 61)) == ["hidden-words"]


def test_a_follow_up_may_quote_and_the_quote_does_not_count():
    quoted = TEXT + "> word" * 1 + " word" * 200
    assert names(message(quoted, first=False)) == []
    assert names(message(quoted)) == ["hidden-words"]


def test_a_page_that_the_facts_name_may_be_linked():
    text = TEXT.replace("Hi Dana,", "Hi Dana, https://old.example/audit is gone.")
    assert names(message(text)) == ["other-link"]
    assert names(message(text, other_pages=("https://old.example/audit",))) == []
    # Also when it is a second page of theirs.
    text = TEXT.replace("Hi Dana,", "Hi Dana, https://growth-notes.example/old is gone.")
    assert names(message(text, other_pages=("https://growth-notes.example/old",))) == []


def test_the_same_page_twice_is_one_page():
    assert names(changed("Our guide", f"Our guide (also {OURS}#start)")) == []


def test_a_subdomain_is_the_domain_and_a_lookalike_is_not():
    assert names(changed(OURS, "https://docs.acme.example/x")) == ["our-page-other"]
    assert names(changed(OURS, "https://notacme.example/x")) == ["our-page-missing", "other-link"]


def test_international_domains_match_in_both_spellings():
    text = TEXT.replace(THEIRS, "https://xn--bcher-kva.example/blog")
    good = message(text, their_domain="bücher.example", their_page="https://bücher.example/blog")
    assert names(good) == []


@pytest.mark.parametrize("reason", ["", "because", "  "])
def test_a_reason_must_be_concrete(reason):
    assert "no-reason" in names(message(evidence=(reason,)))


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://a.example/p.gif">',
        "<script>1</script>",
        '<p onclick="x()">x</p>',
        '<p style="background:url(//a.example/x)">x</p>',
        '<link rel="stylesheet" href="x.css">',
        '<meta http-equiv="refresh" content="0;url=https://a.example">',
        '<table background="https://a.example/x"></table>',
        '<form action="https://a.example"></form>',
        '<svg><image href="https://a.example/x"/></svg>',
        '<a ping="https://a.example/p" href="https://acme.example/guides/link-audit">x</a>',
    ],
)
def test_nothing_is_loaded(html):
    assert "remote-content" in names(message(body_html=html_of(TEXT).replace("</body>", f"{html}</body>")))


@pytest.mark.parametrize(
    "subject", ["a\r\nb", "a\x0bb", "a\x85b", "a\u2028b", "a\x00b", "=?utf-8?q?hi=0D=0ABcc:_e=40x?=", "a\u202eb"]
)
def test_subjects_that_are_more_than_a_line(subject):
    assert names(message(subject=subject)) == ["subject-not-one-line"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://acme.example", True),
        ("https://acme.example/", True),
        ("https://acme.example//", True),
        ("https://acme.example/#top", True),
        ("https://acme.example/?utm_source=x", True),
        ("https://acme.example/index.html", True),
        ("https://acme.example/Index.php", True),
        ("https://acme.example/home", True),
        ("https://acme.example/?p=12", False),
        ("https://acme.example/guides", False),
        ("https://acme.example/home/garden", False),
    ],
)
def test_homepages(url, expected):
    assert is_homepage(url) is expected


def test_urls_end_where_the_sentence_goes_on():
    text = 'See https://a.example/x, "https://b.example/y(z)"; (https://c.example/w). www.d.example/v! me@www.e.example'
    assert find_urls(text) == [
        "https://a.example/x",
        "https://b.example/y(z)",
        "https://c.example/w",
        "www.d.example/v",
    ]


@pytest.mark.parametrize(
    "unit", ["{", "{{", "{%", "{#", "${", "%a", "[", "<a", "http://a", "www.", "(", "a@www.", "> "]
)
def test_no_text_makes_the_check_slow(unit):
    def checked(text: str) -> None:
        check(message(text, body_html="", subject=text[:1_000]))

    assert growth(checked, repeated(unit), 20_000, most=0.4) < LINEAR


def test_page_keys():
    assert link_key("http://WWW.Acme.example/a/#x") == link_key("https://acme.example/a")
    assert link_key("https://acme.example/a?b=1") != link_key("https://acme.example/a")
    assert link_key("https://[broken") == link_key("https://[broken")
