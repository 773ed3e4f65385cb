"""Rows that many tests need: a site, prospects, contacts, mailboxes, conversations."""

from __future__ import annotations

from typing import Any

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.pipeline import Stage
from app.models import Contact, Conversation, Mailbox, Page, Prospect, Security, Site

VAULT = Vault(["test-key"])


def a_site(uow: UnitOfWork, **values: Any) -> Site:
    site = Site(
        **{
            "name": "Acme",
            "domains": ["acme.test"],
            "brand_names": ["Acme"],
            "sender_name": "Ana Silva",
            "sender_role": "Editor, Acme",
            "postal_address": "Acme Ltd, 1 Example Street, Exampletown",
            "created_at": uow.now(),
            **values,
        }
    )
    uow.session.add(site)
    uow.session.flush()
    return site


def a_page(uow: UnitOfWork, site: Site, **values: Any) -> Page:
    page = Page(
        **{
            "site_id": site.id,
            "url": "https://acme.test/guides/onboarding",
            "title": "The onboarding guide",
            "topic": "customer onboarding",
            "created_at": uow.now(),
            **values,
        }
    )
    uow.session.add(page)
    uow.session.flush()
    return page


def a_prospect(uow: UnitOfWork, site: Site, domain: str = "editor.test", **values: Any) -> Prospect:
    prospect = Prospect(
        **{
            "site_id": site.id,
            "domain": domain,
            "stage": Stage.PROSPECT,
            "created_at": uow.now(),
            "updated_at": uow.now(),
            "best_page": f"https://{domain}/blog/checklist",
            **values,
        }
    )
    uow.session.add(prospect)
    uow.session.flush()
    return prospect


def a_contact(uow: UnitOfWork, prospect: Prospect, email: str | None = None, **values: Any) -> Contact:
    contact = Contact(
        **{
            "prospect_id": prospect.id,
            "email": email or f"dana@{prospect.domain}",
            "name": "Dana Ruiz",
            "created_by": "test",
            "created_at": uow.now(),
            **values,
        }
    )
    uow.session.add(contact)
    uow.session.flush()
    return contact


def a_mailbox(uow: UnitOfWork, email: str = "ana@acme.test", **values: Any) -> Mailbox:
    """A mailbox on this machine without TLS; give smtp_port and imap_port to reach a server. Its password is "secret"."""
    mailbox = Mailbox(
        **{
            "email": email,
            "from_name": "Ana Silva",
            "username": email,
            "secret": "",
            "smtp_host": "127.0.0.1",
            "smtp_port": 25,
            "smtp_security": Security.NONE,
            "imap_host": "127.0.0.1",
            "imap_port": 143,
            "imap_security": Security.NONE,
            "gap_min_seconds": 0,
            "gap_max_seconds": 0,
            "daily_cap": 1000,
            "created_at": uow.now(),
            **values,
        }
    )
    uow.session.add(mailbox)
    uow.session.flush()
    mailbox.secret = VAULT.seal("secret", f"mailbox:{mailbox.id}:secret")
    uow.session.flush()
    return mailbox


def a_conversation(
    uow: UnitOfWork, prospect: Prospect, contact: Contact, mailbox: Mailbox, **values: Any
) -> Conversation:
    conversation = Conversation(
        **{
            "site_id": prospect.site_id,
            "prospect_id": prospect.id,
            "contact_id": contact.id,
            "mailbox_id": mailbox.id,
            "domain": prospect.domain,
            "subject": "Your checklist",
            "started_at": uow.now(),
            **values,
        }
    )
    uow.session.add(conversation)
    uow.session.flush()
    return conversation
