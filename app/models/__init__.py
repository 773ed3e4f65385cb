"""The tables, one file each; `app.models` imports them all so that migrations see the whole schema."""

from app.models.angle_evidence import AngleEvidence
from app.models.answering import Answering
from app.models.api_key import ApiKey
from app.models.audit_event import AuditEvent
from app.models.blocking_event import BlockingEvent
from app.models.competitor import Competitor
from app.models.contact import Contact
from app.models.contact_search import ContactSearch
from app.models.conversation import Conversation, ConversationState
from app.models.decision import Decision, DecisionKind
from app.models.digest import Digest
from app.models.domain_lease import DomainLease
from app.models.erasure import Erasure
from app.models.folder import Folder
from app.models.gap_change import ChangeKind, GapChange, GapRefresh
from app.models.gap_view import GapView
from app.models.host_turn import HostTurn
from app.models.idempotency_key import IdempotencyKey
from app.models.import_job import ImportJob, ImportKind, ImportState
from app.models.inbound import Inbound, InboundState
from app.models.inbound_location import InboundLocation
from app.models.installation import Installation
from app.models.installation_rule import InstallationRule
from app.models.job_fault import JobFault
from app.models.kept_removal import KeptRemoval
from app.models.kept_text import KeptText
from app.models.lease import Lease
from app.models.link import Link, LinkState
from app.models.link_check import LinkCheck
from app.models.mail_domain import MailDomain
from app.models.mailbox import Mailbox, Security
from app.models.mailbox_day import MailboxDay
from app.models.mailbox_incident import MailboxIncident
from app.models.mailbox_look import LookState, MailboxLook
from app.models.mailbox_oauth import MailboxOAuth, OAuthFlow
from app.models.mailbox_pacing import MailboxPacing, MailboxSite
from app.models.mailbox_pause import MailboxPause
from app.models.mailbox_watch import MailboxWatch
from app.models.mention_candidate import MentionCandidate
from app.models.mention_check import MentionCheck
from app.models.outbound import Outbound, OutboundKind
from app.models.outbound_alias import OutboundAlias
from app.models.page import Page
from app.models.page_memory import PageMemory
from app.models.passkey import Passkey
from app.models.pitch import Pitch, PitchState
from app.models.prospect import Prospect
from app.models.prospect_place import ProspectPlace
from app.models.provider_pull import ProviderPull, ProviderSchedule, PullState
from app.models.queue_pin import QueuePin
from app.models.recipient_day import RecipientDay
from app.models.removed_gap import RemovedGap
from app.models.robots_text import RobotsText
from app.models.sealed_secret import SealedSecret
from app.models.search_request import SearchRequest
from app.models.second_factor import RecoveryCode, SecondFactor
from app.models.send_attempt import SendAttempt
from app.models.sending_domain import SendingDomain
from app.models.sending_domain_check import SendingDomainCheck
from app.models.sent_copy import SentCopy
from app.models.sequence import Sequence
from app.models.sequence_run import RunState, SequenceRun
from app.models.sign_in_try import SignInTry
from app.models.site import Site
from app.models.site_day import SiteDay
from app.models.site_pacing import SitePacing
from app.models.snapshot import Snapshot, SnapshotRole
from app.models.stage_event import StageEvent
from app.models.suppression import Suppression, SuppressionKind
from app.models.suppression_removal import SuppressionRemoval
from app.models.template_version import TemplateVersion
from app.models.triage import Triage
from app.models.unfetched import Unfetched
from app.models.user import Role, User
from app.models.user_session import UserSession
from app.models.user_setting import UserSetting
from app.models.worker_beat import WorkerBeat

__all__ = [
    "AngleEvidence",
    "Answering",
    "ApiKey",
    "AuditEvent",
    "BlockingEvent",
    "ChangeKind",
    "Competitor",
    "Contact",
    "ContactSearch",
    "Conversation",
    "ConversationState",
    "Decision",
    "DecisionKind",
    "Digest",
    "DomainLease",
    "Erasure",
    "Folder",
    "GapChange",
    "GapRefresh",
    "GapView",
    "HostTurn",
    "IdempotencyKey",
    "ImportJob",
    "ImportKind",
    "ImportState",
    "Inbound",
    "InboundLocation",
    "InboundState",
    "Installation",
    "InstallationRule",
    "JobFault",
    "KeptRemoval",
    "KeptText",
    "Lease",
    "Link",
    "LinkCheck",
    "LinkState",
    "LookState",
    "MailDomain",
    "Mailbox",
    "MailboxDay",
    "MailboxIncident",
    "MailboxLook",
    "MailboxOAuth",
    "MailboxPacing",
    "MailboxPause",
    "MailboxSite",
    "MailboxWatch",
    "MentionCandidate",
    "MentionCheck",
    "OAuthFlow",
    "Outbound",
    "OutboundAlias",
    "OutboundKind",
    "Page",
    "PageMemory",
    "Passkey",
    "Pitch",
    "PitchState",
    "Prospect",
    "ProspectPlace",
    "ProviderPull",
    "ProviderSchedule",
    "PullState",
    "QueuePin",
    "RecipientDay",
    "RecoveryCode",
    "RemovedGap",
    "RobotsText",
    "Role",
    "RunState",
    "SealedSecret",
    "SearchRequest",
    "SecondFactor",
    "Security",
    "SendAttempt",
    "SendingDomain",
    "SendingDomainCheck",
    "SentCopy",
    "Sequence",
    "SequenceRun",
    "SignInTry",
    "Site",
    "SiteDay",
    "SitePacing",
    "Snapshot",
    "SnapshotRole",
    "StageEvent",
    "Suppression",
    "SuppressionKind",
    "SuppressionRemoval",
    "TemplateVersion",
    "Triage",
    "Unfetched",
    "User",
    "UserSession",
    "UserSetting",
    "WorkerBeat",
]
