"""Failed sign-ins, by account and by address: the throttle."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class SignInTry(Table, table=True):
    """Failures under one key (a hash of the account or of the address) in one window."""

    __tablename__ = "sign_in_try"

    key: str = Field(primary_key=True, max_length=64)
    window_start: datetime
    failures: int = 0
