"""The users: who may sign in and how, the app's client, the page, and what never changes."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.observe import Alarm, Expression
from components.users import Users, UsersArgs
from settings.users import PasswordSettings, UsersSettings
from tests.components.parts import export_watched, ground
from tests.recorder import Node, Recorded, aws_provider, record, recorded_once

CALLBACK = "https://app.studio.example/callback"
HOST = "backlot-dev-123456789012.auth.us-east-1.amazoncognito.com"

FROZEN: dict[str, Any] = {
    "username_attributes": ["email"],
    "username_configuration": {"case_sensitive": False},
    "alias_attributes": None,
    "schemas": None,
    "sms_configuration": None,
    "region": None,
}
"""What Cognito cannot change, or the provider changes by making another pool; None: not given.

`sms_configuration` cannot be taken away once it is given, and an attribute of `schemas` can be
neither changed nor removed.
https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cognito_user_pool
https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserPool.html
"""


@recorded_once
def users(
    *, protect: bool = False, preview: bool = False, **settings: Any
) -> tuple[Users, Recorded]:
    made: list[Users] = []
    given = {
        "mfa": "optional",
        "deletion_protection": True,
        "callback_urls": (CALLBACK,),
        **settings,
    }

    def program() -> None:
        component = Users(
            "users",
            UsersArgs(settings=UsersSettings(**given), ground=ground()),
            pulumi.ResourceOptions(providers=[aws_provider()], protect=protect),
        )
        made.append(component)
        pulumi.export("access", component.access().environment)
        pulumi.export("sign_in_url", component.sign_in_url)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})
        export_watched(
            "panels",
            {metric.label: metric for panel in component.panels for metric in panel.metrics},
        )

    recorded = record(program, preview=preview)
    return made[0], recorded


def pool(**settings: Any) -> Node:
    return users(**settings)[1].one("cognito.UserPool")


def client(**settings: Any) -> Node:
    return users(**settings)[1].one("cognito.UserPoolClient")


def alarm(component: Users, name: str) -> Alarm:
    return next(alarm for alarm in component.alarms if alarm.name == name)


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "without a second factor": {"mfa": "none"},
    "with passkeys": {"passkeys": True},
    "cheapest": {"tier": "LITE", "mfa": "required"},
    "dearest": {"tier": "PLUS", "self_sign_up": False, "deletion_protection": False},
    "other URLs and lifetimes": {
        "callback_urls": ("studio://back",),
        "access_minutes": 5,
        "password": PasswordSettings(minimum_length=20),
    },
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kept", FROZEN)
def test_no_setting_and_no_change_of_code_ever_replaces_the_pool(kept: str, variant: str):  # B54
    now = pool(**VARIANTS[variant]).get(kept)

    assert now == FROZEN[kept], (
        f"{kept} was {FROZEN[kept]} and is {now}. On every stack that stands, this deletes the "
        "user pool and makes an empty one, or fails: everybody loses their account, their password "
        "and their second factor, and no backup brings a password back. Undo it; or make a second "
        "pool, move the people by docs/runbooks/users.md, and change FROZEN last."
    )


def test_the_pool_keeps_the_names_by_which_pulumi_and_aws_know_it():  # B54
    made = pool()

    assert (made.type, made.name) == ("aws:cognito/userPool:UserPool", "users-pool"), (
        "under another name Pulumi deletes the pool with everybody in it; keep the old as an alias"
    )
    assert made["name"].startswith("users-pool-"), (
        "a name that somebody chooses is one that somebody changes, and that replaces the pool"
    )


def test_the_pool_is_protected_where_the_stack_is_and_the_rest_stays_free_to_change():  # B54
    guarded, free = users(protect=True)[1], users()[1]

    assert guarded.one("cognito.UserPool").protect
    assert not free.one("cognito.UserPool").protect
    for recorded in (guarded, free):
        assert not recorded.one("cognito.UserPoolClient").protect
        assert not recorded.one("cognito.UserPoolDomain").protect
        assert not recorded.one("cognito.ManagedLoginBranding").protect


@pytest.mark.parametrize(("wanted", "said"), [(True, "ACTIVE"), (False, "INACTIVE")])
def test_aws_refuses_to_delete_the_pool_where_it_is_told_to(wanted: bool, said: str):  # B54
    assert pool(deletion_protection=wanted)["deletion_protection"] == said


def test_a_person_is_an_e_mail_address_that_was_proven():  # M81
    made = pool()

    assert made["auto_verified_attributes"] == ["email"]
    assert made["user_attribute_update_settings"] == {
        "attributes_require_verification_before_updates": ["email"]
    }


def test_a_forgotten_password_comes_back_through_that_address_alone():  # M81
    assert pool()["account_recovery_setting"] == {
        "recovery_mechanisms": [{"name": "verified_email", "priority": 1}]
    }


@pytest.mark.parametrize(
    ("mfa", "said", "token"),
    [("none", "OFF", None), ("optional", "OPTIONAL", True), ("required", "ON", True)],
)
def test_the_second_factor_is_an_authenticator_app(mfa: str, said: str, token: bool | None):  # M81
    made = pool(mfa=mfa)

    assert made["mfa_configuration"] == said
    assert made.get("software_token_mfa_configuration") == (token and {"enabled": token})
    assert "email_mfa_configuration" not in made


def test_a_password_is_long_and_needs_no_signs_unless_told_otherwise():  # M81
    assert pool()["password_policy"] == {
        "minimum_length": 12,
        "require_lowercase": False,
        "require_uppercase": False,
        "require_numbers": False,
        "require_symbols": False,
        "temporary_password_validity_days": 7,
    }
    strict = PasswordSettings(
        minimum_length=16,
        require_lowercase=True,
        require_uppercase=True,
        require_numbers=True,
        require_symbols=True,
        temporary_days=1,
    )
    assert pool(password=strict)["password_policy"] == {
        "minimum_length": 16,
        "require_lowercase": True,
        "require_uppercase": True,
        "require_numbers": True,
        "require_symbols": True,
        "temporary_password_validity_days": 1,
    }


@pytest.mark.parametrize("self_sign_up", [True, False])
def test_people_make_their_own_account_only_where_they_may(self_sign_up: bool):  # M81
    assert pool(self_sign_up=self_sign_up)["admin_create_user_config"] == {
        "allow_admin_create_user_only": not self_sign_up
    }


@pytest.mark.parametrize("tier", ["LITE", "ESSENTIALS", "PLUS"])
def test_threats_are_answered_on_the_plan_that_is_paid_for_it(tier: str):  # B54
    made = pool(tier=tier)

    assert made["user_pool_tier"] == tier
    assert made.get("user_pool_add_ons") == (
        {"advanced_security_mode": "ENFORCED"} if tier == "PLUS" else None
    )


def test_a_passkey_signs_in_for_this_page_and_asks_who_holds_it():  # B54
    _, recorded = users(passkeys=True)
    made = recorded.one("cognito.UserPool")

    assert made["sign_in_policy"] == {"allowed_first_auth_factors": ["PASSWORD", "WEB_AUTHN"]}
    assert made["web_authn_configuration"] == {
        "relying_party_id": HOST,
        "user_verification": "required",
    }
    assert recorded.outputs["sign_in_url"] == f"https://{HOST}"
    assert "ALLOW_USER_AUTH" in recorded.one("cognito.UserPoolClient")["explicit_auth_flows"]


def test_without_passkeys_a_password_is_the_only_beginning():  # B54
    made = pool()

    assert made["sign_in_policy"] == {"allowed_first_auth_factors": ["PASSWORD"]}
    assert "web_authn_configuration" not in made
    assert "sign_in_policy" not in pool(tier="LITE")


def test_the_client_is_public_and_takes_codes_alone():  # M81
    made = client(logout_urls=("https://app.studio.example",))

    assert made["generate_secret"] is False
    assert made["allowed_oauth_flows_user_pool_client"] is True
    assert made["allowed_oauth_flows"] == ["code"]
    assert made["allowed_oauth_scopes"] == ["openid", "email", "profile"]
    assert made["supported_identity_providers"] == ["COGNITO"]
    assert made["callback_urls"] == [CALLBACK]
    assert made["logout_urls"] == ["https://app.studio.example"]


def test_the_client_belongs_to_the_pool():  # M81
    _, recorded = users()

    assert recorded.one("cognito.UserPoolClient")["user_pool_id"] == (
        recorded.one("cognito.UserPool").id
    )


def test_a_refresh_token_is_good_once_and_can_be_called_back():  # B54
    made = client()

    assert made["refresh_token_rotation"] == {
        "feature": "ENABLED",
        "retry_grace_period_seconds": 30,
    }
    assert made["enable_token_revocation"] is True


@pytest.mark.parametrize(
    ("passkeys", "flows"),
    [(False, ["ALLOW_USER_SRP_AUTH"]), (True, ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH"])],
)
def test_no_flow_sends_a_password_or_goes_around_the_rotation(passkeys: bool, flows: list[str]):
    assert client(passkeys=passkeys)["explicit_auth_flows"] == flows  # B54


def test_nobody_learns_who_has_an_account():  # B54
    assert client()["prevent_user_existence_errors"] == "ENABLED"


def test_tokens_live_as_long_as_the_settings_say():  # M81
    made = client(access_minutes=15, refresh_days=90)

    assert made["token_validity_units"] == {
        "access_token": "minutes",
        "id_token": "minutes",
        "refresh_token": "days",
    }
    assert (made["access_token_validity"], made["id_token_validity"]) == (15, 15)
    assert made["refresh_token_validity"] == 90


def test_the_pages_name_is_the_stacks_and_the_accounts():  # M81
    _, recorded = users()
    page = recorded.one("cognito.UserPoolDomain")

    assert page["domain"] == "backlot-dev-123456789012"
    assert page["user_pool_id"] == recorded.one("cognito.UserPool").id
    assert "certificate_arn" not in page


def test_the_managed_page_has_a_style_without_which_it_does_not_open():  # M81
    _, recorded = users()
    style = recorded.one("cognito.ManagedLoginBranding")

    assert recorded.one("cognito.UserPoolDomain")["managed_login_version"] == 2
    assert style["use_cognito_provided_values"] is True
    assert style["user_pool_id"] == recorded.one("cognito.UserPool").id
    assert style["client_id"] == recorded.one("cognito.UserPoolClient").id


def test_the_cheapest_plan_has_the_classic_page():  # M81
    _, recorded = users(tier="LITE")

    assert recorded.one("cognito.UserPoolDomain")["managed_login_version"] == 1
    assert recorded.all("cognito.ManagedLoginBranding") == []


def test_an_api_is_told_whose_tokens_to_believe_and_granted_nothing():  # M81
    component, recorded = users()
    made = recorded.one("cognito.UserPool").id

    assert recorded.outputs["access"] == {
        "USER_POOL_ID": made,
        "USER_POOL_CLIENT_ID": recorded.one("cognito.UserPoolClient").id,
        "USER_POOL_ISSUER": f"https://cognito-idp.us-east-1.amazonaws.com/{made}",
    }
    access = component.access()
    assert (list(access.secrets), list(access.statements), list(access.paths)) == ([], [], [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nobody-signs-in", ("below", 1, 3, "notBreaching", "critical")),
        ("turned-away", ("above", 10, 1, "notBreaching", "warning")),
    ],
)
def test_alarms_speak_when_people_stay_outside(name: str, expected: tuple[object, ...]):
    component, _ = users()
    found = alarm(component, name)

    assert (
        found.comparison,
        found.threshold,
        found.evaluation_periods,
        found.missing_data,
        found.severity,
    ) == expected
    assert found.runbook == f"users.md#{name}"
    assert len(component.alarms) == 2


def test_a_quiet_hour_is_no_outage():
    watch = alarm(users()[0], "nobody-signs-in").watch

    assert isinstance(watch, Expression)
    assert watch.text == "IF(FILL(tried, 0) < 20, 1, FILL(succeeded, 0))"


def test_tried_and_succeeded_are_two_readings_of_one_metric():
    _, recorded = users()
    dimensions = {
        "UserPool": recorded.one("cognito.UserPool").id,
        "UserPoolClient": recorded.one("cognito.UserPoolClient").id,
    }

    assert recorded.outputs["alarms"]["nobody-signs-in"] == {
        reading: {
            "metric": "AWS/Cognito SignInSuccesses",
            "statistic": statistic,
            "period": 300,
            "dimensions": dimensions,
        }
        for reading, statistic in (("tried", "SampleCount"), ("succeeded", "Sum"))
    }


def test_whoever_is_turned_away_is_counted_wherever_it_happens():
    component, recorded = users()
    watch = alarm(component, "turned-away").watch

    assert isinstance(watch, Expression)
    assert watch.text == "FILL(sign_in, 0) + FILL(refresh, 0) + FILL(sign_up, 0)"
    assert {
        key: (metric["metric"], metric["statistic"])
        for key, metric in recorded.outputs["alarms"]["turned-away"].items()
    } == {
        "sign_in": ("AWS/Cognito SignInThrottles", "Sum"),
        "refresh": ("AWS/Cognito TokenRefreshThrottles", "Sum"),
        "sign_up": ("AWS/Cognito SignUpThrottles", "Sum"),
    }


def test_the_dashboard_shows_who_comes_in_and_who_is_turned_away():
    component, recorded = users()

    assert [(panel.group, panel.title, panel.unit) for panel in component.panels] == [
        ("Edge", "Users: sign-ins and sign-ups", "requests"),
        ("Edge", "Users: turned away", "requests"),
    ]
    assert {
        label: (shown["metric"].removeprefix("AWS/Cognito "), shown["statistic"])
        for label, shown in recorded.outputs["panels"].items()
    } == {
        "sign-ins tried": ("SignInSuccesses", "SampleCount"),
        "sign-ins": ("SignInSuccesses", "Sum"),
        "sign-ups": ("SignUpSuccesses", "Sum"),
        "sessions renewed": ("TokenRefreshSuccesses", "Sum"),
        "sign-in": ("SignInThrottles", "Sum"),
        "token refresh": ("TokenRefreshThrottles", "Sum"),
        "sign-up": ("SignUpThrottles", "Sum"),
    }


@pytest.mark.parametrize("variant", ["plain", "with passkeys", "dearest"])
def test_a_choice_makes_nothing_more_and_nothing_less(variant: str):
    given = VARIANTS[variant]

    assert users(**given)[1].urns == users()[1].urns == users(preview=True, **given)[1].urns


def test_everything_hangs_below_the_component():
    _, recorded = users()
    component = recorded.one("backlot:users:Users")
    made = [node for node in recorded.nodes if node.type.startswith("aws:")]

    assert {node.parent for node in made} == {component.urn}
    assert {node.name for node in made} == {
        *("users-pool", "users-app", "users-page", "users-page-style")
    }
    assert component.outputs["sign_in_url"] == f"https://{HOST}"
    assert component.outputs["pool_id"] == recorded.one("cognito.UserPool").id
