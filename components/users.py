"""The users: the pool of people who may sign in, and the page on which they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.access import Access
from components.ground import Ground, Place
from components.observe import Alarm, Expression, Metric, Panel
from settings.users import PasswordSettings, UsersSettings

MFA: Mapping[Literal["none", "optional", "required"], str] = {
    "none": "OFF",
    "optional": "OPTIONAL",
    "required": "ON",
}

SCOPES = ("openid", "email", "profile")
"""What an app learns of whoever signs in. Without aws.cognito.signin.user.admin, a token from the
sign-in page cannot change the account."""

GRACE_SECONDS = 30
"""How long a refresh token that was used still answers, for an app that lost the answer. AWS allows
60: https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RefreshTokenRotationType.html"""

CLASSIC_PAGE = 1
MANAGED_PAGE = 2
"""Only it offers passkeys, and the plan LITE has only the other.
https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-managed-login.html"""

FEW = 20
"""Sign-ins in 5 minutes from which it means something that none succeeds."""


@dataclass(frozen=True, kw_only=True)
class UsersArgs:
    settings: UsersSettings
    ground: Ground


class Users(pulumi.ComponentResource):
    """A Cognito user pool, one public client for the web and desktop app, and a sign-in page (M81).

    People are known by their e-mail address, whatever its case. The client has no secret, since an
    app could not keep one: it signs in by authorization code, and the app must send a PKCE
    challenge, which Cognito judges but does not demand. A refresh token is good once (B54).

    Cognito never changes what a pool knows people by, nor an attribute that it has once declared:
    another pool would have to take its place, without anybody in it. A test keeps those as they
    are.

    Cognito sends its e-mail itself, at most 50 a day for the whole account; more needs Amazon SES.
    https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html

    Cost by the person who is active in a month: 0.015 USD on ESSENTIALS and 0.0055 USD on LITE
    after the account's first 10,000, which are free; 0.02 USD on PLUS from the first (us-east-1,
    2026). https://aws.amazon.com/cognito/pricing/
    """

    pool_id: pulumi.Output[str]
    client_id: pulumi.Output[str]
    issuer: pulumi.Output[str]
    """Who tokens say they are from; its keys are public, at `/.well-known/jwks.json` below it."""
    sign_in_url: pulumi.Output[str]
    """Where `/oauth2/authorize`, `/oauth2/token` and `/logout` are."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: UsersArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:users:Users", name, None, opts)
        # A client or a page made anew costs people a sign-in; a pool made anew costs the people.
        kept = pulumi.ResourceOptions(parent=self)
        child = pulumi.ResourceOptions(parent=self, protect=False)
        settings, ground = args.settings, args.ground
        prefix = pulumi.Output.concat(ground.prefix, "-", ground.account_id)
        host = pulumi.Output.concat(prefix, ".auth.", ground.region, ".amazoncognito.com")
        pool = _pool(f"{name}-pool", settings, host, kept)
        client = _client(f"{name}-app", settings, pool, child)
        _page(f"{name}-page", settings, prefix, pool, client, child)

        self.pool_id = pool.id
        self.client_id = client.id
        self.issuer = _issuer(pool, ground)
        self.sign_in_url = pulumi.Output.concat("https://", host)
        signals = _Signals(pool_id=pool.id, client_id=client.id)
        self.alarms = _alarms(signals)
        self.panels = _panels(signals)
        self.register_outputs(
            {
                "pool_id": self.pool_id,
                "client_id": self.client_id,
                "sign_in_url": self.sign_in_url,
            }
        )

    @property
    def outputs(self) -> Mapping[str, pulumi.Output[str]]:
        """What an app needs to let people sign in."""
        return {
            "pool_id": self.pool_id,
            "client_id": self.client_id,
            "issuer": self.issuer,
            "sign_in_url": self.sign_in_url,
        }

    def access(self) -> Access:
        """What an API needs to judge a token. The keys are public, so nothing is granted."""
        return Access(
            environment={
                "USER_POOL_ID": self.pool_id,
                "USER_POOL_CLIENT_ID": self.client_id,
                "USER_POOL_ISSUER": self.issuer,
            }
        )


def _pool(
    name: str, settings: UsersSettings, host: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> aws.cognito.UserPool:
    mfa = MFA[settings.mfa]
    return aws.cognito.UserPool(
        name,
        # Under no name of ours: a changed one would replace the pool.
        # https://github.com/hashicorp/terraform-provider-aws/issues/42627
        user_pool_tier=settings.tier,
        username_attributes=["email"],
        username_configuration={"case_sensitive": False},
        auto_verified_attributes=["email"],
        # Until a new address is confirmed, the old one signs in and gets the codes.
        user_attribute_update_settings={
            "attributes_require_verification_before_updates": ["email"]
        },
        account_recovery_setting={
            "recovery_mechanisms": [{"name": "verified_email", "priority": 1}]
        },
        admin_create_user_config={"allow_admin_create_user_only": not settings.self_sign_up},
        password_policy=_password_policy(settings.password),
        mfa_configuration=mfa,
        software_token_mfa_configuration=None if mfa == "OFF" else {"enabled": True},
        sign_in_policy=_first_factors(settings),
        web_authn_configuration=(
            # A passkey stands for a password and its second factor, so it asks who holds it.
            {"relying_party_id": host, "user_verification": "required"}
            if settings.passkeys
            else None
        ),
        user_pool_add_ons=(
            {"advanced_security_mode": "ENFORCED"} if settings.tier == "PLUS" else None
        ),
        deletion_protection="ACTIVE" if settings.deletion_protection else "INACTIVE",
        opts=opts,
    )


def _password_policy(password: PasswordSettings) -> aws.cognito.UserPoolPasswordPolicyArgs:
    return aws.cognito.UserPoolPasswordPolicyArgs(
        minimum_length=password.minimum_length,
        require_lowercase=password.require_lowercase,
        require_uppercase=password.require_uppercase,
        require_numbers=password.require_numbers,
        require_symbols=password.require_symbols,
        temporary_password_validity_days=password.temporary_days,
    )


def _first_factors(settings: UsersSettings) -> aws.cognito.UserPoolSignInPolicyArgs | None:
    """What a sign-in may begin with. LITE knows no such choice."""
    if settings.tier == "LITE":
        return None
    return aws.cognito.UserPoolSignInPolicyArgs(
        allowed_first_auth_factors=["PASSWORD", *(["WEB_AUTHN"] if settings.passkeys else [])]
    )


def _client(
    name: str,
    settings: UsersSettings,
    pool: aws.cognito.UserPool,
    opts: pulumi.ResourceOptions,
) -> aws.cognito.UserPoolClient:
    return aws.cognito.UserPoolClient(
        name,
        user_pool_id=pool.id,
        generate_secret=False,
        supported_identity_providers=["COGNITO"],
        allowed_oauth_flows_user_pool_client=True,
        allowed_oauth_flows=["code"],
        allowed_oauth_scopes=list(SCOPES),
        callback_urls=list(settings.callback_urls),
        logout_urls=list(settings.logout_urls),
        # Not ALLOW_REFRESH_TOKEN_AUTH: it goes around the rotation, and Cognito refuses both.
        # https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html
        explicit_auth_flows=[
            "ALLOW_USER_SRP_AUTH",
            *(["ALLOW_USER_AUTH"] if settings.passkeys else []),
        ],
        refresh_token_rotation={
            "feature": "ENABLED",
            "retry_grace_period_seconds": GRACE_SECONDS,
        },
        enable_token_revocation=True,
        # An unknown address and a wrong password get the same answer.
        prevent_user_existence_errors="ENABLED",
        access_token_validity=settings.access_minutes,
        id_token_validity=settings.access_minutes,
        refresh_token_validity=settings.refresh_days,
        token_validity_units={
            "access_token": "minutes",
            "id_token": "minutes",
            "refresh_token": "days",
        },
        opts=opts,
    )


def _page(
    name: str,
    settings: UsersSettings,
    prefix: pulumi.Input[str],
    pool: aws.cognito.UserPool,
    client: aws.cognito.UserPoolClient,
    opts: pulumi.ResourceOptions,
) -> None:
    managed = settings.tier != "LITE"
    aws.cognito.UserPoolDomain(
        name,
        # Unique among everybody's in the region, hence the account; it fits where a bucket's fits.
        domain=prefix,
        user_pool_id=pool.id,
        managed_login_version=MANAGED_PAGE if managed else CLASSIC_PAGE,
        opts=opts,
    )
    if managed:
        # Without a style, even Cognito's own, the managed page does not open for the client.
        aws.cognito.ManagedLoginBranding(
            f"{name}-style",
            user_pool_id=pool.id,
            client_id=client.id,
            use_cognito_provided_values=True,
            opts=opts,
        )


def _issuer(pool: aws.cognito.UserPool, place: Place) -> pulumi.Output[str]:
    return pulumi.Output.concat("https://cognito-idp.", place.region, ".amazonaws.com/", pool.id)


@dataclass(frozen=True, kw_only=True)
class _Signals:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/metrics-for-cognito-user-pools.html"""

    pool_id: pulumi.Input[str]
    client_id: pulumi.Input[str]

    def metric(self, name: str, label: str, statistic: str = "Sum") -> Metric:
        return Metric(
            namespace="AWS/Cognito",
            name=name,
            dimensions={"UserPool": self.pool_id, "UserPoolClient": self.client_id},
            statistic=statistic,
            label=label,
        )

    def attempts(self, name: str, label: str) -> Metric:
        """`name` counts 1 for what succeeded and 0 for what failed."""
        return self.metric(name, label, "SampleCount")

    @property
    def throttled(self) -> Mapping[str, Metric]:
        return {
            "sign_in": self.metric("SignInThrottles", "sign-in"),
            "refresh": self.metric("TokenRefreshThrottles", "token refresh"),
            "sign_up": self.metric("SignUpThrottles", "sign-up"),
        }


def _alarms(signals: _Signals) -> tuple[Alarm, ...]:
    throttled = signals.throttled
    return (
        Alarm(
            name="nobody-signs-in",
            summary=f"For 15 minutes nobody has signed in, though at least {FEW} tried in every 5.",
            watch=Expression(
                text=f"IF(FILL(tried, 0) < {FEW}, 1, FILL(succeeded, 0))",
                metrics={
                    "tried": signals.attempts("SignInSuccesses", "tried"),
                    "succeeded": signals.metric("SignInSuccesses", "succeeded"),
                },
                label="succeeded",
            ),
            comparison="below",
            threshold=1,
            evaluation_periods=3,
            severity="critical",
            runbook="users.md#nobody-signs-in",
        ),
        Alarm(
            name="turned-away",
            summary="Cognito turned away more than 10 requests in 5 minutes, over its quota.",
            watch=Expression(
                text=" + ".join(f"FILL({key}, 0)" for key in throttled),
                metrics=throttled,
                label="turned away",
            ),
            comparison="above",
            threshold=10,
            severity="warning",
            runbook="users.md#turned-away",
        ),
    )


def _panels(signals: _Signals) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Edge",
            title="Users: sign-ins and sign-ups",
            unit="requests",
            metrics=[
                signals.attempts("SignInSuccesses", "sign-ins tried"),
                signals.metric("SignInSuccesses", "sign-ins"),
                signals.metric("SignUpSuccesses", "sign-ups"),
                signals.metric("TokenRefreshSuccesses", "sessions renewed"),
            ],
        ),
        Panel(
            group="Edge",
            title="Users: turned away",
            unit="requests",
            metrics=list(signals.throttled.values()),
        ),
    )
