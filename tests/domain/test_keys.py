from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addresses import clean_address as one_address
from app.domain.keys import (
    PATH_TENANTS,
    TENANT_HOSTS,
    VISITOR_HOSTS,
    ascii_labels,
    authority_of,
    host_name,
    host_of,
    of_visitors,
    parent_of,
    path_tenant,
)
from app.domain.mail_tokens import clean_address
from app.keys import ascii_host, platform_of, registrable_domain, site_key, unicode_host


@pytest.mark.parametrize(
    ("given_text", "key"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com.", "example.com"),
        ("www.example.com", "example.com"),
        ("https://www.News.example.co.uk:8080/a?b#c", "example.co.uk"),
        ("http://user:secret@blog.example.com/", "example.com"),
        ("//cdn.example.com/x", "example.com"),
        ("example.com/path", "example.com"),
        ("example.com?x=1", "example.com"),
        ("*.example.com", "example.com"),
        ("editor-one.test", "editor-one.test"),
        ("http://editor-one.test:8099/page", "editor-one.test"),
        # The list's private section: each tenant is a site, and so is the platform itself.
        ("someone.github.io", "someone.github.io"),
        ("www.someone.github.io", "someone.github.io"),
        ("github.io", "github.io"),
        ("shop.blogspot.com", "shop.blogspot.com"),
        # Our own table, where the list has nothing.
        ("a.wordpress.com", "a.wordpress.com"),
        ("deep.a.wordpress.com", "a.wordpress.com"),
        ("www.wordpress.com", "wordpress.com"),
        ("wordpress.com", "wordpress.com"),
        ("shop.blogspot.co.uk", "shop.blogspot.co.uk"),
        ("writer.substack.com", "writer.substack.com"),
        # One person, whatever the script.
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("аналог-программы.рф", "xn----7sbabobp9bjenaf9age.xn--p1ai"),
        ("ＥＸＡＭＰＬＥ.com", "example.com"),
        # Nobody's.
        ("com", None),
        ("co.uk", None),
        ("localhost", None),
        ("", None),
        ("   ", None),
        ("192.0.2.7", None),
        ("http://[2001:db8::1]/x", None),
        ("not a host", None),
        ("-bad.example.com", None),
        ("a..example.com", None),
        ("mailto:someone", None),
        ("x" * 300 + ".com", None),
    ],
)
def test_registrable_domain(given_text: str, key: str | None) -> None:
    if given_text == "аналог-программы.рф":
        assert registrable_domain(given_text) == given_text.encode("idna").decode()
        return
    assert registrable_domain(given_text) == key


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://medium.com/@writer/story-1", "medium.com/@writer"),
        ("https://www.medium.com/@Writer", "medium.com/@writer"),
        ("https://medium.com/", "medium.com"),
        ("https://medium.com/tag/seo", "medium.com"),
        ("https://writer.medium.com/x", "writer.medium.com"),
        ("https://sites.google.com/view/club/home", "sites.google.com/view/club"),
        ("https://sites.google.com/view", "google.com"),
        ("https://github.com/Org/repo", "github.com/org"),
        ("https://www.youtube.com/watch?v=1", "youtube.com"),
        ("https://www.youtube.com/@channel/videos", "youtube.com/@channel"),
        ("https://news.example.com/@writer", "example.com"),
        ("https://dev.to/Ana/a-post-1a2b", "dev.to/ana"),
        ("https://dev.to/t/seo", "dev.to"),
        ("https://www.linkedin.com/company/Rival/posts", "linkedin.com/company/rival"),
        ("https://www.linkedin.com/in/jane", "linkedin.com/in/jane"),
        ("https://www.linkedin.com/pulse/a-text", "linkedin.com"),
        ("https://bsky.app/profile/jane.example/post/1", "bsky.app/profile/jane.example"),
        ("https://m.facebook.com/rival/about", "facebook.com/rival"),
        ("https://www.facebook.com/l.php?u=x", "facebook.com"),
        ("https://x.com/Rival/status/1", "x.com/rival"),
        ("https://x.com/i/lists/1", "x.com"),
        ("https://www.reddit.com/r/SEO/comments/1", "reddit.com/r/seo"),
        ("https://www.reddit.com/domain/rival.example", "reddit.com"),
    ],
)
def test_site_key_of_hosts_that_give_out_paths(url: str, key: str) -> None:
    assert site_key(url) == key


@pytest.mark.parametrize(
    ("key", "platform"),
    [
        ("medium.com/@x", "medium.com"),
        ("sites.google.com/view/x", "sites.google.com"),
        ("a.wordpress.com", "wordpress.com"),
        ("a.github.io", "github.io"),
        ("a.blogspot.de", "blogspot.de"),
        ("example.com", None),
        ("example.co.uk", None),
        ("co.uk", None),
    ],
)
def test_platform_of(key: str, platform: str | None) -> None:
    assert platform_of(key) == platform


def test_display_form_comes_back() -> None:
    assert unicode_host(ascii_host("Bücher.example") or "") == "bücher.example"
    assert unicode_host("xn--broken-.example") == "xn--broken-.example"


def test_the_parts() -> None:
    assert authority_of("https://user@Example.com:80/p") == "Example.com"
    assert host_of("Example.COM:443") == "example.com"
    assert host_of("https://dana@Bücher.example.:8080/x?y#z") == host_of("bücher.example/x") == "xn--bcher-kva.example"
    assert host_of("www.youtube.com/@chan/about") == "www.youtube.com"
    assert host_of("medium.com?from=@joe") == "medium.com"
    assert [host_of(one) for one in ("jo@example.com", "jo@example.com/x")] == ["", ""]
    assert [host_of(one) for one in ("mailto:jo@example.com", "https://[broken", "/x", "")] == [""] * 4
    assert (host_name("192.0.2.7"), host_of("http://192.0.2.7/x")) == (None, "192.0.2.7")
    assert parent_of("a.b.example") == "b.example"
    assert parent_of("example.com") is None
    assert path_tenant("example.com", ["@x"]) is None
    assert path_tenant("medium.com", []) is None


def test_our_tables_name_hosts_in_their_own_normal_form() -> None:
    for host in (*TENANT_HOSTS, *PATH_TENANTS, *VISITOR_HOSTS):
        assert ascii_host(host) == host


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("facebook.com", "facebook.com"),
        ("de-de.facebook.com", "facebook.com"),
        ("en.wikipedia.org", "wikipedia.org"),
        ("docs.google.com", "docs.google.com"),
        ("google.com", None),
        ("notfacebook.com", None),
        ("jane.substack.com", None),
        ("", None),
    ],
)
def test_hosts_on_which_anybody_writes(host: str, named: str | None) -> None:
    assert of_visitors(host) == named


@given(st.text(max_size=80))
def test_a_key_is_a_fixed_point_and_nothing_raises(text: str) -> None:
    key = registrable_domain(text)
    if key is not None:
        assert registrable_domain(key) == key
        assert registrable_domain(f"https://{key}:8080/some/page?q=1") == key
        assert registrable_domain(key.upper() + ".") == key
        assert site_key(text) is not None
    else:
        assert site_key(text) is None


@given(st.from_regex(r"\A[a-z]{1,8}(\.[a-z]{1,8}){1,4}\Z"))
def test_www_case_port_and_scheme_do_not_matter(host: str) -> None:
    key = registrable_domain(host)
    for form in (f"http://{host}/", f"HTTPS://{host.upper()}:8443/x", f"{host}.", f"//{host}"):
        assert registrable_domain(form) == key


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("straße.de", "xn--strae-oqa.de"),
        ("STRASSE.de", "strasse.de"),
        ("Straße.DE", "xn--strae-oqa.de"),
        ("STRAẞE.de", "xn--strae-oqa.de"),
        ("ελλάς.gr", "xn--hxarsa0b.gr"),
        ("ΕΛΛΆΣ.gr", "xn--hxarsa5b.gr"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("ＥＸＡＭＰＬＥ.com", "example.com"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("x" * 60 + "ß.de", None),
    ],
)
def test_a_name_in_another_script_is_one_name_for_keys_mail_and_pages(written: str, host: str | None) -> None:
    """As browsers read it; capitals are those of single letters, so that a last Σ is σ."""
    assert ascii_host(written) == ascii_labels(written) == host
    assert clean_address(f"a@{written}") == (host and f"a@{host}")
    assert host_of(f"https://{written.lower() if 'Σ' not in written else host}/") == (host or written)
    if host is not None:
        assert one_address(f"a@{written}") == f"a@{host}"


@given(st.text("abzäßςσñéйяあ例-", min_size=1, max_size=12))
def test_our_labels_are_those_of_the_codec_wherever_both_have_one(label: str) -> None:
    ours, theirs = ascii_labels(f"{label}.test"), ascii_host(f"{label}.test")
    assert None in (ours, theirs) or ours == theirs
