"""What the routes of accounts, sign-in and tokens take and answer."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

RoleName = Literal["integrator", "manager", "head", "city_head", "analyst", "operations", "administrator"]
Secret = Annotated[str, Field(max_length=1024)]
Reason = Annotated[str, Field(min_length=1, max_length=500, description="why; kept with the version")]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
Codes = Annotated[tuple[Code, ...], Field(max_length=200)]
Phone = Annotated[str, Field(max_length=20, pattern=r"^(\+?[0-9]{5,19})?$")]
PersonName = Annotated[str, Field(min_length=1, max_length=100)]
AccountState = Literal["active", "disabled"]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class SignIn(_Asked):
    """Body of signing in."""

    staff_no: Annotated[str, Field(max_length=200)]
    password: Secret


class PasswordChange(_Asked):
    """Body of changing one's own password."""

    current: Secret
    new: Secret


class PasswordReset(_Asked):
    """Body of setting a password by a one-time link: ``secret`` is what stands behind ``#reset=`` in the link."""

    secret: Secret
    new: Secret


class GrantBody(_Asked):
    """A role and what it reaches: the customers of one manager, of units with all beneath them, of cities, or (none of
    these) of the whole province; of some kinds of alerts, or (none) of all.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, json_schema_extra={
        "examples": [{"role": "head", "units": ["U3201001"], "cities": [], "manager_id": None, "kinds": ["arrears"]}]
    })  # fmt: skip
    role: RoleName
    cities: Codes = ()
    units: Codes = ()
    manager_id: Code | None = None
    kinds: Codes = ()


class UserBody(_Asked):
    """What an administrator says of a person."""

    name: PersonName
    unit_id: Code | None = None
    manager_id: Code | None = Field(default=None, description="the id that BOSS gives to an account manager (MGR)")
    phone: Phone | None = Field(
        default=None, description="their own number, to which they may send test SMS; absent: as before; empty: none"
    )
    grants: Annotated[tuple[GrantBody, ...], Field(min_length=1, max_length=20)]
    reason: Reason


class NewUser(UserBody):
    """Body of a new account; its person sets the password by a one-time link."""

    staff_no: Annotated[str, Field(min_length=1, max_length=64)]


class ChangedUser(UserBody):
    """Body of a changed account."""

    state: AccountState = "active"


class Why(_Asked):
    """Body of what needs nothing but a reason."""

    reason: Reason


class NewToken(_Asked):
    """Body of a machine's token. ``name`` is whom the audit writes down."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
    grant: GrantBody
    days: Annotated[int, Field(ge=1, le=3660)] = 365
    reason: Reason


class ScopeSummary(_Answer):
    """What somebody reaches, in words."""

    zh: str
    en: str


class Me(_Answer):
    """Who is signed in. ``role`` is the first of ``roles``; ``kinds`` empty: all kinds of business; ``landing`` is the
    page where the day begins; ``business_date`` null: not known just now; ``single_sign_on``: the identity provider
    said who it is, and not a password of ours.
    """

    staff_no: str
    name: str | None = None
    role: RoleName
    roles: tuple[RoleName, ...]
    unit_id: str | None = None
    manager_id: str | None = None
    grants: tuple[GrantBody, ...] = ()
    scope: ScopeSummary
    kinds: tuple[str, ...] = ()
    landing: str
    business_date: date | None = None
    must_change_password: bool = False
    single_sign_on: bool = False
    expires_at: str | None = None


class SignInOptions(_Answer):
    """How people may sign in besides their passwords. ``away``: the identity provider did not answer just now."""

    single_sign_on: Literal["off", "on", "away"]


class DemoAccount(_Answer):
    """An account of the embedded demo."""

    staff_no: str
    password: str
    role: RoleName
    name: str
    unit_id: str | None = None
    manager_id: str | None = None


class UserView(_Answer):
    """An account in its newest version, or in one of its history. ``phone`` is masked."""

    staff_no: str
    state: AccountState
    name: str
    unit_id: str | None = None
    manager_id: str | None = None
    phone: str | None = None
    grants: tuple[GrantBody, ...] = ()
    version: int
    author: str
    reason: str
    at: str


class UserPage(_Answer):
    """A page of accounts; ``next`` null: the last one."""

    rows: tuple[UserView, ...]
    total: int
    next: str | None = None


class ResetLink(_Answer):
    """A one-time link to set a password: an address of the page, good until then. It is shown this once."""

    link: str
    expires_at: str


class TokenView(_Answer):
    """A machine's token without the token itself."""

    token_id: str
    name: str
    grant: GrantBody
    state: Literal["active", "revoked"]
    issued_at: str
    expires_at: str
    version: int
    author: str
    reason: str
    at: str


class RevokedTokens(_Answer):
    """Ids of tokens that were revoked before their end."""

    ids: tuple[str, ...]


class IssuedToken(TokenView):
    """A new token: ``token`` is shown this once."""

    token: str
