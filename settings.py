"""One tree of settings: the only reader of the environment, printed with its secrets masked."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.effects import EffectKind
from domain.rows import EffectMode


class StripeSettings(BaseModel):
    """Stripe: the key, the endpoint's signing secrets (several during a rotation), the address."""

    api_key: SecretStr = SecretStr("")
    webhook_secrets: list[SecretStr] = Field(default_factory=list)
    api_base: str | None = None
    webhook_url: str | None = None
    calls_per_second: float | None = None
    """Ours of Stripe's allowance; None takes what suits the kind of key."""


class SalesforceSettings(BaseModel):
    """Salesforce: one of JWT bearer (private key) or client credentials (secret), and the org."""

    instance_url: str = ""
    api_base: str | None = None
    token_url: str = ""
    audience: str = "https://login.salesforce.com"
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    username: str = ""
    private_key: SecretStr = SecretStr("")
    organization_id: str = ""
    fallback_owner: str = ""
    webhook_secrets: list[SecretStr] = Field(default_factory=list)
    flow_api_keys: list[SecretStr] = Field(default_factory=list)
    away_field: str | None = None


class HubspotSettings(BaseModel):
    """HubSpot: a service key or an app's access token, the portal, and the app that tells us.

    `app_secrets` prove the app's webhooks, several while one is replaced; `webhook_url` is the
    public address as the app's configuration has it, which HubSpot signs.
    """

    token: SecretStr = SecretStr("")
    api_base: str | None = None
    portal_id: str = ""
    fallback_owner: str = ""
    csm_owner_property: str = ""
    """The company property that holds the CSM, where it is another than the mapping's."""
    calls_per_window: int | None = None
    """What HubSpot allows the token in ten seconds; None takes that of the smallest tier."""
    client_id: str = ""
    app_secrets: list[SecretStr] = Field(default_factory=list)
    webhook_url: str = ""
    use_journal: bool = False
    """Read changes from the app's webhooks journal instead of searching for them."""


class ConsoleRole(StrEnum):
    """What a person may do in the console."""

    ADMIN = "admin"
    """Everything, the mappings too."""
    OPERATOR = "operator"
    """Billing operations: cases, alerts, what is stuck. Mappings are read, not changed."""


class ConsolePerson(BaseModel):
    """Somebody with a token of their own, under whose name the audit keeps what they do."""

    name: str
    role: ConsoleRole
    token: SecretStr


class Settings(BaseSettings):
    """Everything that differs between installations, from `KIDGLOVE_*` variables or `.env`.

    Nested values use two underscores: `KIDGLOVE_STRIPE__API_KEY`. `DATABASE_URL` and `REDIS_URL`
    are read under their usual names; without them the embedded servers are used.
    """

    model_config = SettingsConfigDict(
        env_prefix="KIDGLOVE_", env_nested_delimiter="__", env_file=".env", extra="ignore"
    )

    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    redis_url: str | None = Field(default=None, validation_alias="REDIS_URL")
    data_dir: Path = Path(".kidglove")
    host: str = "127.0.0.1"
    port: int = 8400
    console_port: int = 8401
    console_token: SecretStr = SecretStr("")
    """A token that several admins share; who uses it says their name."""
    console_people: list[ConsolePerson] = Field(default_factory=list)
    console_url: str = ""
    """Where people reach the console, if that is not the loopback address: links in the CRM begin
    with it."""
    two_person_mappings: bool = False
    """A mapping comes into force only by a plan that one person made and another applies."""
    policy_preset: str = "default"
    clock_file: Path | None = None
    stripe: StripeSettings = StripeSettings()
    salesforce: SalesforceSettings = SalesforceSettings()
    hubspot: HubspotSettings = HubspotSettings()
    effect_modes: dict[EffectKind, EffectMode] = Field(default_factory=dict)
    all_effects: EffectMode = EffectMode.ACT
    max_body_bytes: int = 8 * 1_048_576
    relay_seconds: float = 1.0
    resend_seconds: float = 30.0
    worker_max_jobs: int = 1000
    poll_crm_seconds: int = 60
    poll_events_seconds: int = 300
    reconcile_seconds: int = 86_400
    log_level: str = "INFO"

    def mode_of(self, kind: EffectKind) -> EffectMode:
        """Whether effects of this kind are dropped, written down only, or carried out."""
        return self.effect_modes.get(kind, self.all_effects)

    def masked(self) -> dict[str, object]:
        """The settings as plain values, every secret shown only as set or not set."""
        return _masked(self.model_dump())


def _masked(values: dict[str, object]) -> dict[str, object]:
    shown: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, SecretStr):
            shown[name] = "(set)" if value.get_secret_value() else "(not set)"
        elif isinstance(value, dict):
            shown[name] = _masked(value)
        elif isinstance(value, list) and any(isinstance(one, SecretStr) for one in value):
            shown[name] = f"({len(value)} set)"
        elif isinstance(value, list):
            shown[name] = [_masked(one) if isinstance(one, dict) else one for one in value]
        elif name in ("database_url", "redis_url") and value:
            shown[name] = "(set)"
        else:
            shown[name] = value
    return shown
