"""One plain e-mail address, in the form in which it is stored and compared."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from app.domain.said import say
from app.errors import BadInput, FieldProblem

# Reserved for tests and documentation (RFC 2606, RFC 6761); email-validator refuses them unless told otherwise.
_TEST_DOMAINS = (".test", ".example", ".invalid", ".localhost")


def clean_address(address: str) -> str:
    """The address in the form in which it is stored and compared: domain as A-label in lower case.

    Raises BadInput with the field `email` for anything but one plain address (no display name, no literal, no quotes).
    """
    text = address.strip()
    try:
        found = validate_email(
            text,
            check_deliverability=False,
            allow_smtputf8=False,
            test_environment=text.lower().endswith(_TEST_DOMAINS),
        )
    except EmailNotValidError as error:
        raise BadInput(
            say("'{address}' is not an address that can be written to", address=address),
            FieldProblem("email", str(error)),
        ) from None
    domain = (found.ascii_domain or found.domain).lower()
    return f"{found.local_part}@{domain}"
