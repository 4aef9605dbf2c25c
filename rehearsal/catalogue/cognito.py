"""Amazon Cognito user pools. The second factors travel in a call of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.catalogue.cloudfront import ZONE
from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope

PREFIX = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"

RESERVED = ("aws", "amazon", "cognito")
"""https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html"""

SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}

LIFETIMES = {
    "accessToken": ("hours", 300, 86400),
    "idToken": ("hours", 300, 86400),
    "refreshToken": ("days", 3600, 315360000),
}
"""The unit without tokenValidityUnits, and the shortest and longest lifetime in seconds.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html
"""


def _block(inputs: Inputs, name: str) -> Mapping[str, Any]:
    block = inputs.get(name)
    return block if isinstance(block, Mapping) else {}


def _factors(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa.html"""
    wanted = inputs.get("mfaConfiguration")
    if wanted in ("ON", "OPTIONAL") and not (
        _block(inputs, "softwareTokenMfaConfiguration").get("enabled")
        or inputs.get("smsConfiguration")
        or inputs.get("emailMfaConfiguration")
    ):
        factors = "softwareTokenMfaConfiguration, smsConfiguration or emailMfaConfiguration"
        yield "mfaConfiguration", f"{wanted} without a second factor, {factors} is needed"
    sender = _block(inputs, "emailConfiguration").get("emailSendingAccount")
    if inputs.get("emailMfaConfiguration") and sender != "DEVELOPER":
        yield "emailMfaConfiguration", "needs emailConfiguration.emailSendingAccount DEVELOPER"


def _first_factors(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignInPolicyType.html"""
    factors = list(_block(inputs, "signInPolicy").get("allowedFirstAuthFactors") or ())
    path = "signInPolicy.allowedFirstAuthFactors"
    if factors and "PASSWORD" not in factors:
        yield path, f"{', '.join(map(str, factors))} given, PASSWORD has to be among them"
    if "SOFTWARE_TOKEN" in factors:
        yield path, "SOFTWARE_TOKEN given, it is a second factor only"


def _tier(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-sign-in-feature-plans.html"""
    tier = inputs.get("userPoolTier") or "ESSENTIALS"
    factors = list(_block(inputs, "signInPolicy").get("allowedFirstAuthFactors") or ())
    if tier == "LITE":
        for name, given in {
            "signInPolicy": set(factors) - {"PASSWORD"},
            "emailMfaConfiguration": inputs.get("emailMfaConfiguration"),
        }.items():
            if given:
                yield name, "not in the userPoolTier LITE, ESSENTIALS or PLUS is needed"
    mode = _block(inputs, "userPoolAddOns").get("advancedSecurityMode")
    if mode in ("AUDIT", "ENFORCED") and tier != "PLUS":
        yield "userPoolAddOns.advancedSecurityMode", f"{mode} needs userPoolTier PLUS, not {tier}"


def _names(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if inputs.get("usernameAttributes") and inputs.get("aliasAttributes"):
        yield "aliasAttributes", "given together with usernameAttributes; a pool has one of the two"
    mail = _block(inputs, "emailConfiguration")
    if mail.get("emailSendingAccount") == "DEVELOPER" and not mail.get("sourceArn"):
        yield "emailConfiguration.sourceArn", "nothing was given, DEVELOPER sends with SES"


def _text_messages(scope: Scope) -> Any:
    """SMS as a second factor, which the provider sends whenever the pool can send any."""
    sender = scope.find("smsConfiguration")
    if not isinstance(sender, Mapping):
        return None
    made = {"SmsConfiguration": {name[0].upper() + name[1:]: sender[name] for name in sender}}
    message = scope.find("smsAuthenticationMessage")
    return made | ({"SmsAuthenticationMessage": message} if message else {})


def _flows(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints-oauth-grants.html"""
    flows = list(inputs.get("allowedOauthFlows") or ())
    if flows and not inputs.get("allowedOauthFlowsUserPoolClient"):
        path = "allowedOauthFlowsUserPoolClient"
        yield path, f"has to be true for allowedOauthFlows ({', '.join(map(str, flows))})"
    if inputs.get("allowedOauthFlowsUserPoolClient"):
        for name in ("allowedOauthFlows", "allowedOauthScopes"):
            if not inputs.get(name):
                yield name, "nothing was given, allowedOauthFlowsUserPoolClient needs it"
    if "client_credentials" in flows:
        if len(flows) > 1:
            yield "allowedOauthFlows", "client_credentials stands alone, and others were given"
        if not inputs.get("generateSecret"):
            yield "generateSecret", "has to be true for client_credentials"
    elif flows and not inputs.get("callbackUrls"):
        yield "callbackUrls", f"nothing was given, {' and '.join(map(str, flows))} needs one"


def _urls(inputs: Inputs) -> Iterator[tuple[str, str]]:
    for name in ("callbackUrls", "logoutUrls"):
        for at, url in enumerate(inputs.get(name) or ()):
            if not isinstance(url, str) or re.match(r"http://(localhost|127\.0\.0\.1)\b", url):
                continue
            if url.startswith("http://"):
                yield f"{name}[{at}]", f'"{url}" given, only localhost may do without https'
            elif "#" in url:
                yield f"{name}[{at}]", f'"{url}" given, a fragment is not allowed'
    usual = inputs.get("defaultRedirectUri")
    if usual and usual not in (inputs.get("callbackUrls") or ()):
        yield "defaultRedirectUri", f'"{usual}" is none of the callbackUrls'


def _lifetimes(inputs: Inputs) -> Iterator[tuple[str, str]]:
    units = _block(inputs, "tokenValidityUnits")
    for token, (unit, shortest, longest) in LIFETIMES.items():
        name = f"{token}Validity"
        if not inputs.get(name):
            continue
        unit = units.get(token) or unit
        seconds = int(inputs[name]) * SECONDS.get(str(unit), 0)
        if str(unit) in SECONDS and not shortest <= seconds <= longest:
            allowed = f"{shortest} to {longest} seconds allowed"
            yield name, f"{inputs[name]} {unit} given, {allowed}"


def _rotation(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html"""
    rotated = _block(inputs, "refreshTokenRotation").get("feature") == "ENABLED"
    if rotated and "ALLOW_REFRESH_TOKEN_AUTH" in (inputs.get("explicitAuthFlows") or ()):
        yield "explicitAuthFlows", "ALLOW_REFRESH_TOKEN_AUTH given, refreshTokenRotation forbids it"


def _domain(inputs: Inputs) -> Iterator[tuple[str, str]]:
    domain, certificate = inputs.get("domain"), inputs.get("certificateArn")
    if not isinstance(domain, str):
        return
    if certificate:
        if "." not in domain:
            yield "domain", f'"{domain}" is no name of ours, and a certificateArn was given'
        if isinstance(certificate, str) and ":acm:" in certificate:
            region = certificate.split(":")[3]
            if region != "us-east-1":
                yield "certificateArn", f"a certificate of {region}, one of us-east-1 is needed"
    elif "." in domain:
        yield "certificateArn", f'nothing was given, the name "{domain}" needs one'
    elif not re.fullmatch(PREFIX, domain):
        said = "1 to 63 lower-case letters, digits and inner hyphens"
        yield "domain", f'"{domain}" given, {said} allowed'
    elif word := next((word for word in RESERVED if word in domain), ""):
        yield "domain", f'"{domain}" holds the reserved word {word}'


ENTRIES = {
    "UserPool": Entry(
        service="cognito-idp",
        operation="CreateUserPool",
        kind="Pool",
        answer="UserPool",
        rename={
            "emailConfiguration.fromEmailAddress": "From",
            "passwordPolicy": "Policies.PasswordPolicy",
            "signInPolicy": "Policies.SignInPolicy",
            "tags": "UserPoolTags",
        },
        rules=(_factors, _first_factors, _tier, _names),
        then=(
            Call(
                operation="SetUserPoolMfaConfig",
                takes=(
                    *("mfaConfiguration", "softwareTokenMfaConfiguration"),
                    *("emailMfaConfiguration", "webAuthnConfiguration"),
                ),
                fixed={
                    "UserPoolId": "{Id}",
                    "MfaConfiguration": lambda scope: scope.find("mfaConfiguration") or "OFF",
                    "SmsMfaConfiguration": _text_messages,
                },
            ),
        ),
        id="{Id}",
        outputs={
            "arn": "{Arn}",
            "endpoint": "cognito-idp.{region}.amazonaws.com/{Id}",
            "estimatedNumberOfUsers": lambda _: 0,
        },
    ),
    "UserPoolClient": Entry(
        service="cognito-idp",
        operation="CreateUserPoolClient",
        kind="Client",
        answer="UserPoolClient",
        rules=(_flows, _urls, _lifetimes, _rotation),
        id="{ClientId}",
    ),
    "ManagedLoginBranding": Entry(
        service="cognito-idp",
        operation="CreateManagedLoginBranding",
        shadow="moto knows no managed login",
        id="{uuid}",
        outputs={"managedLoginBrandingId": "{uuid}"},
    ),
    "UserPoolDomain": Entry(
        service="cognito-idp",
        operation="CreateUserPoolDomain",
        rename={"certificateArn": "CustomDomainConfig.CertificateArn"},
        unjudged={"Domain": "the model knows prefixes only, and a name of ours has dots"},
        rules=(_domain,),
        id="{domain}",
        outputs={
            "awsAccountId": "{account}",
            "cloudfrontDistribution": "d{hex8}.cloudfront.net",
            "cloudfrontDistributionArn": "d{hex8}.cloudfront.net",
            "cloudfrontDistributionZoneId": lambda _: ZONE,
        },
    ),
}
