"""What stands between the internet and the studio: what AWS refuses there, and what it takes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from rehearsal.checks import references
from rehearsal.graph import SECRET, Graph
from rehearsal.provider import MotoProvider
from rehearsal.run import rehearse
from tests.projects import write_project
from tests.rehearsal.broken import changed
from tests.rehearsal.samples import SAMPLES, make, new_graph, resource
from tests.rehearsal.samples_edge import HEALTH, PUBLIC_KEY, visible

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"
ELSEWHERE = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
ACL = "arn:aws:wafv2:us-east-1:123456789012:{scope}/webacl/a/1"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
FUNCTION = "aws:cloudfront/function:Function"
CACHE_POLICY = "aws:cloudfront/cachePolicy:CachePolicy"
WEB_ACL = "aws:wafv2/webAcl:WebAcl"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
DOMAIN = "aws:cognito/userPoolDomain:UserPoolDomain"
HEALTH_CHECK = "aws:route53/healthCheck:HealthCheck"
INTEGRATION = "aws:apigatewayv2/integration:Integration"
API = "aws:apigatewayv2/api:Api"
API_DOMAIN = "aws:apigatewayv2/domainName:DomainName"
KEY = "aws:cloudfront/publicKey:PublicKey"
ROUTE = "aws:apigatewayv2/route:Route"

PLAIN: Mapping[str, Mapping[str, Any]] = {
    DISTRIBUTION: {
        "enabled": True,
        "origins": [
            {
                "originId": "api",
                "domainName": "api.studio.example",
                "customOriginConfig": {
                    "httpPort": 80,
                    "httpsPort": 443,
                    "originProtocolPolicy": "https-only",
                    "originSslProtocols": ["TLSv1.2"],
                },
            }
        ],
        "defaultCacheBehavior": {
            "targetOriginId": "api",
            "viewerProtocolPolicy": "https-only",
            "cachedMethods": ["HEAD", "GET"],
            "allowedMethods": ["GET", "HEAD"],
            "cachePolicyId": CACHING_DISABLED,
        },
        "restrictions": {"geoRestriction": {"restrictionType": "none"}},
        "viewerCertificate": {"cloudfrontDefaultCertificate": True},
    },
    FUNCTION: {"runtime": "cloudfront-js-2.0", "code": "x"},
    CACHE_POLICY: {
        "parametersInCacheKeyAndForwardedToOrigin": {
            "enableAcceptEncodingGzip": True,
            "cookiesConfig": {"cookieBehavior": "none"},
            "headersConfig": {"headerBehavior": "none"},
            "queryStringsConfig": {"queryStringBehavior": "none"},
        }
    },
    KEY: {"encodedKey": PUBLIC_KEY},
    WEB_ACL: {
        "scope": "REGIONAL",
        "defaultAction": {"allow": {}},
        "visibilityConfig": visible("studio"),
        "rules": [
            {
                "name": "health",
                "priority": 1,
                "action": {"allow": {}},
                "statement": HEALTH,
                "visibilityConfig": visible("health"),
            },
            {
                "name": "rate",
                "priority": 2,
                "action": {"block": {}},
                "statement": {"rateBasedStatement": {"limit": 10, "aggregateKeyType": "IP"}},
                "visibilityConfig": visible("rate"),
            },
        ],
    },
    POOL: {},
    CLIENT: {"userPoolId": "us-east-1_none"},
    DOMAIN: {"userPoolId": "us-east-1_none", "domain": "studio"},
    ASSOCIATION: {
        "webAclArn": ACL.format(scope="regional"),
        "resourceArn": "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/a/1",
    },
    LOGGING: {
        "resourceArn": ACL.format(scope="global"),
        "logDestinationConfigs": ["arn:aws:logs:us-east-1:1:log-group:aws-waf-logs-a"],
    },
    HEALTH_CHECK: {"type": "HTTPS", "fqdn": "studio.example", "requestInterval": 30},
    API: {"protocolType": "HTTP"},
    INTEGRATION: {
        "apiId": "none",
        "integrationType": "HTTP_PROXY",
        "integrationMethod": "ANY",
        "integrationUri": "https://studio.example",
    },
    ROUTE: {"apiId": "none", "routeKey": "GET /jobs"},
    API_DOMAIN: {
        "domainName": "http.studio.example",
        "domainNameConfiguration": {
            "certificateArn": CERTIFICATE,
            "endpointType": "REGIONAL",
            "securityPolicy": "TLS_1_2",
        },
    },
}
"""Inputs that AWS takes; each rule is tried with one thing changed."""


@pytest.fixture(name="account")
def _account() -> Iterator[MotoProvider]:
    with MotoProvider() as provider:
        yield provider


@pytest.fixture(scope="module", name="refused")
def _refused() -> list[list[str]]:
    """What each of `REFUSED` gets, all tried in one account."""
    with MotoProvider() as provider:
        return [judged(provider, of, varied(of, changes)) for of, changes, _ in REFUSED]


@pytest.fixture(scope="module", name="taken")
def _taken() -> list[list[str]]:
    """What each of `TAKEN` gets."""
    with MotoProvider() as provider:
        return [judged(provider, of, varied(of, changes)) for of, changes in TAKEN]


def varied(type: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The plain inputs with the value at each dotted path set, or taken away when it is None."""
    inputs: dict[str, Any] = copy.deepcopy(dict(PLAIN[type]))
    for path, value in copy.deepcopy(dict(changes)).items():
        node: Any = inputs
        *outer, last = path.split(".")
        for key in outer:
            node = node[int(key)] if key.isdigit() else node.setdefault(key, {})
        if value is None:
            node.pop(last, None)
        else:
            node[int(last) if last.isdigit() else last] = value
    return inputs


def judged(account: MotoProvider, type: str, inputs: dict[str, Any], region: str = "") -> list[str]:
    """What rules and the API's model say; moto's own word does not count here."""
    tried = resource(type, "tried", **inputs)
    tried.region = region or tried.region
    _, findings = make(account, new_graph(), tried)
    return [one.message for one in findings if one.check in ("model", "shape", "name")]


RULE = "rules.0."
VPC = {"connectionType": "VPC_LINK", "connectionId": "link", "integrationUri": "arn:x"}
OAUTH = {
    "allowedOauthFlowsUserPoolClient": True,
    "allowedOauthFlows": ["code"],
    "allowedOauthScopes": ["openid"],
    "callbackUrls": ["https://studio.example"],
}
OWN = {"viewerCertificate": {"acmCertificateArn": CERTIFICATE, "sslSupportMethod": "sni-only"}}
ORIGIN = dict(PLAIN[DISTRIBUTION]["origins"][0])
BEHAVIOUR = dict(PLAIN[DISTRIBUTION]["defaultCacheBehavior"])
RATE = {"rateBasedStatement": {"limit": 100, "aggregateKeyType": "IP"}}
GROUP = {"managedRuleGroupStatement": {"vendorName": "AWS", "name": "AWSManagedRulesCommonRuleSet"}}
BUCKET_ORIGIN = {"originId": "api", "domainName": "media.s3.us-east-1.amazonaws.com"}
CALLED = {
    "eventType": "viewer-request",
    "functionArn": "arn:aws:cloudfront::123456789012:function/a",
}
PARAMETERS = "parametersInCacheKeyAndForwardedToOrigin"

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (DISTRIBUTION, {"aliases": ["studio.example"]}, "aliases: given with CloudFront's own"),
    (
        DISTRIBUTION,
        {**OWN, "viewerCertificate.acmCertificateArn": ELSEWHERE},
        "viewerCertificate.acmCertificateArn: a certificate of eu-west-1, CloudFront takes those",
    ),
    (
        DISTRIBUTION,
        {**OWN, "viewerCertificate.sslSupportMethod": None},
        "viewerCertificate.sslSupportMethod: nothing was given",
    ),
    (
        DISTRIBUTION,
        {"viewerCertificate.minimumProtocolVersion": "TLSv1.2_2021"},
        "viewerCertificate.minimumProtocolVersion: TLSv1.2_2021 given with CloudFront's own",
    ),
    (
        DISTRIBUTION,
        {"defaultCacheBehavior.targetOriginId": "web"},
        'defaultCacheBehavior.targetOriginId: "web" is no origin; there is api',
    ),
    (
        DISTRIBUTION,
        {"orderedCacheBehaviors": [{**BEHAVIOUR, "pathPattern": "/a", "targetOriginId": "web"}]},
        'orderedCacheBehaviors[0].targetOriginId: "web" is no origin',
    ),
    (DISTRIBUTION, {"origins": [ORIGIN, ORIGIN]}, 'origins: the originId "api" is given 2 times'),
    (
        DISTRIBUTION,
        {
            "originGroups": [
                {
                    "originId": "either",
                    "failoverCriteria": {"statusCodes": [500]},
                    "members": [{"originId": "api"}, {"originId": "web"}],
                }
            ]
        },
        'originGroups[0].members[1].originId: "web" is no origin',
    ),
    (
        DISTRIBUTION,
        {
            "origins.0": {
                **BUCKET_ORIGIN,
                "originAccessControlId": "E1",
                "s3OriginConfig": {"originAccessIdentity": "origin-access-identity/cloudfront/E2"},
            }
        },
        "origins[0].originAccessControlId: given together with an originAccessIdentity",
    ),
    (
        DISTRIBUTION,
        {"origins.0.vpcOriginConfig": {"vpcOriginId": "vo_1"}},
        "origins[0]: customOriginConfig and vpcOriginConfig given",
    ),
    (
        DISTRIBUTION,
        {"defaultCacheBehavior.cachePolicyId": None},
        "defaultCacheBehavior.cachePolicyId: nothing was given, and no forwardedValues",
    ),
    (
        DISTRIBUTION,
        {
            "defaultCacheBehavior.forwardedValues": {
                "queryString": False,
                "cookies": {"forward": "none"},
            }
        },
        "defaultCacheBehavior.forwardedValues: given together with cachePolicyId",
    ),
    (
        DISTRIBUTION,
        {"defaultCacheBehavior.allowedMethods": ["GET", "HEAD", "POST"]},
        "defaultCacheBehavior.allowedMethods: GET, HEAD, POST given, [GET, HEAD] or [GET, HEAD, OP",
    ),
    (
        DISTRIBUTION,
        {"defaultCacheBehavior.cachedMethods": ["GET"]},
        "defaultCacheBehavior.cachedMethods: GET given, [GET, HEAD] or",
    ),
    (
        DISTRIBUTION,
        {"defaultCacheBehavior.functionAssociations": [CALLED, CALLED]},
        "defaultCacheBehavior.functionAssociations[1].eventType: viewer-request has a function",
    ),
    (
        DISTRIBUTION,
        {"defaultCacheBehavior.functionAssociations": [{**CALLED, "eventType": "origin-request"}]},
        "eventType: origin-request given, a CloudFront function runs at the viewer only",
    ),
    (DISTRIBUTION, {"webAclId": ACL.format(scope="regional")}, "a distribution takes a web ACL of"),
    (
        DISTRIBUTION,
        {"priceClass": "PriceClass_1"},
        'priceClass: "PriceClass_1" is not one of PriceClass_100',
    ),
    (
        DISTRIBUTION,
        {"origins.0.customOriginConfig.originSslProtocols": ["TLSv1.4"]},
        'origins[0].customOriginConfig.originSslProtocols.Items[0]: "TLSv1.4" is not one of',
    ),
    (FUNCTION, {"code": "x" * 10241}, "code: has 10241 bytes, at most 10240 are allowed"),
    (CACHE_POLICY, {"minTtl": 90000}, "defaultTtl: 86400 given, at least minTtl (90000)"),
    (CACHE_POLICY, {"maxTtl": 60}, "maxTtl: 60 given, at least defaultTtl (86400)"),
    (
        CACHE_POLICY,
        {f"{PARAMETERS}.headersConfig.headerBehavior": "whitelist"},
        f"{PARAMETERS}.headersConfig.headers: nothing was given, whitelist needs names",
    ),
    (
        KEY,
        {"encodedKey": "-----BEGIN RSA PRIVATE KEY-----"},
        "encodedKey: no public key in PEM form",
    ),
    (WEB_ACL, {"rules.1.priority": 1}, "rules[1].priority: 1 is that of rules[0] already"),
    (WEB_ACL, {"rules.1.name": "health"}, "rules[1].name: health is that of rules[0] already"),
    (WEB_ACL, {f"{RULE}action": None}, "rules[0]: exactly one of action and overrideAction"),
    (
        WEB_ACL,
        {f"{RULE}overrideAction": {"none": {}}},
        "overrideAction is needed, action and overrideAction was given",
    ),
    (
        WEB_ACL,
        {f"{RULE}statement": GROUP},
        "rules[0].action: given, a rule with a group of rules takes overrideAction",
    ),
    (
        WEB_ACL,
        {f"{RULE}action": None, f"{RULE}overrideAction": {"none": {}}},
        "rules[0].overrideAction: given, a rule with a statement of its own takes action",
    ),
    (
        WEB_ACL,
        {f"{RULE}action": {"allow": {}, "block": {}}},
        "rules[0].action: exactly one of its blocks is needed",
    ),
    (
        WEB_ACL,
        {f"{RULE}statement": {**HEALTH, **RATE}},
        "rules[0].statement: exactly one statement is needed, byteMatchStatement, rateBased",
    ),
    (
        WEB_ACL,
        {f"{RULE}statement": {"notStatement": {"statement": RATE}}},
        "rules[0].statement.notStatement.statement.rateBasedStatement: stands inside another",
    ),
    (
        WEB_ACL,
        {f"{RULE}statement": {"andStatement": {"statements": [HEALTH]}}},
        "rules[0].statement.andStatement.statements: 1 given, at least 2 are needed",
    ),
    (
        WEB_ACL,
        {"rules.1.statement.rateBasedStatement.limit": 9},
        "rules[1].statement.rateBasedStatement.limit: 9 given, at least 10 needed",
    ),
    (
        WEB_ACL,
        {"rules.1.statement.rateBasedStatement.limit": 2000000001},
        "limit: 2e+09 given, at most 2e+09 allowed",
    ),
    (
        WEB_ACL,
        {"rules.1.statement.rateBasedStatement.evaluationWindowSec": 90},
        "evaluationWindowSec: 90 given, one of 60, 120, 300, 600 allowed",
    ),
    (
        ASSOCIATION,
        {"webAclArn": ACL.format(scope="global")},
        "webAclArn: is of scope CLOUDFRONT, a distribution names it in its webAclId",
    ),
    (
        ASSOCIATION,
        {"resourceArn": "arn:aws:apigateway:us-east-1::/apis/abc/stages/dev"},
        "resourceArn: is an HTTP API, WAF protects stages of REST APIs only",
    ),
    (
        LOGGING,
        {"logDestinationConfigs": ["arn:aws:logs:us-east-1:1:log-group:/studio/waf"]},
        'logDestinationConfigs[0]: "/studio/waf" given, WAF logs only to names starting with',
    ),
    (
        LOGGING,
        {"logDestinationConfigs": ["arn:aws:logs:eu-west-1:1:log-group:aws-waf-logs-a"]},
        "logDestinationConfigs[0]: is in eu-west-1, the web ACL's us-east-1 is needed",
    ),
    (
        LOGGING,
        {"logDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-a", "arn:aws:s3:::aws-waf-logs-b"]},
        "logDestinationConfigs: 2 given, a web ACL logs to one",
    ),
    (POOL, {"mfaConfiguration": "ON"}, "mfaConfiguration: ON without a second factor"),
    (
        POOL,
        {"emailMfaConfiguration": {"message": "{####}"}},
        "emailMfaConfiguration: needs emailConfiguration.emailSendingAccount DEVELOPER",
    ),
    (
        POOL,
        {"signInPolicy.allowedFirstAuthFactors": ["WEB_AUTHN"]},
        "signInPolicy.allowedFirstAuthFactors: WEB_AUTHN given, PASSWORD has to be among them",
    ),
    (
        POOL,
        {
            "userPoolTier": "LITE",
            "signInPolicy.allowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"],
        },
        "signInPolicy: not in the userPoolTier LITE",
    ),
    (
        POOL,
        {"userPoolAddOns.advancedSecurityMode": "ENFORCED"},
        "advancedSecurityMode: ENFORCED needs userPoolTier PLUS, not ESSENTIALS",
    ),
    (
        POOL,
        {"usernameAttributes": ["email"], "aliasAttributes": ["email"]},
        "aliasAttributes: given together with usernameAttributes",
    ),
    (
        POOL,
        {"emailConfiguration.emailSendingAccount": "DEVELOPER"},
        "emailConfiguration.sourceArn: nothing was given",
    ),
    (
        POOL,
        {"passwordPolicy.minimumLength": 5},
        "passwordPolicy.minimumLength: 5 given, at least 6 needed",
    ),
    (
        CLIENT,
        {**OAUTH, "allowedOauthFlowsUserPoolClient": False},
        "allowedOauthFlowsUserPoolClient: has to be true for allowedOauthFlows (code)",
    ),
    (CLIENT, {**OAUTH, "allowedOauthScopes": None}, "allowedOauthScopes: nothing was given"),
    (CLIENT, {**OAUTH, "callbackUrls": None}, "callbackUrls: nothing was given, code needs one"),
    (
        CLIENT,
        {**OAUTH, "allowedOauthFlows": ["client_credentials"]},
        "generateSecret: has to be true for client_credentials",
    ),
    (
        CLIENT,
        {**OAUTH, "allowedOauthFlows": ["client_credentials", "code"], "generateSecret": True},
        "allowedOauthFlows: client_credentials stands alone",
    ),
    (
        CLIENT,
        {**OAUTH, "callbackUrls": ["http://studio.example"]},
        'callbackUrls[0]: "http://studio.example" given, only localhost may do without https',
    ),
    (
        CLIENT,
        {**OAUTH, "defaultRedirectUri": "https://other.example"},
        'defaultRedirectUri: "https://other.example" is none of the callbackUrls',
    ),
    (
        CLIENT,
        {"accessTokenValidity": 4, "tokenValidityUnits": {"accessToken": "minutes"}},
        "accessTokenValidity: 4 minutes given, 300 to 86400 seconds allowed",
    ),
    (CLIENT, {"idTokenValidity": 25}, "idTokenValidity: 25 hours given, 300 to 86400 seconds"),
    (
        CLIENT,
        {
            "refreshTokenRotation": {"feature": "ENABLED"},
            "explicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        },
        "explicitAuthFlows: ALLOW_REFRESH_TOKEN_AUTH given, refreshTokenRotation forbids it",
    ),
    (DOMAIN, {"domain": "Studio"}, 'domain: "Studio" given, 1 to 63 lower-case letters'),
    (DOMAIN, {"domain": "studio-"}, 'domain: "studio-" given, 1 to 63 lower-case letters'),
    (DOMAIN, {"domain": "a" * 64}, "1 to 63 lower-case letters, digits and inner hyphens allowed"),
    (DOMAIN, {"domain": "studio-aws"}, 'domain: "studio-aws" holds the reserved word aws'),
    (DOMAIN, {"domain": "amazonstudio"}, "holds the reserved word amazon"),
    (DOMAIN, {"domain": "cognito1"}, "holds the reserved word cognito"),
    (DOMAIN, {"domain": "auth.studio.example"}, "certificateArn: nothing was given, the name"),
    (DOMAIN, {"certificateArn": CERTIFICATE}, 'domain: "studio" is no name of ours'),
    (
        DOMAIN,
        {"domain": "auth.studio.example", "certificateArn": ELSEWHERE},
        "certificateArn: a certificate of eu-west-1, one of us-east-1 is needed",
    ),
    (HEALTH_CHECK, {"fqdn": None}, "fqdn: nothing was given, and no ipAddress either; HTTPS needs"),
    (HEALTH_CHECK, {"requestInterval": 20}, "requestInterval: 20 given, 10 or 30 allowed"),
    (HEALTH_CHECK, {"requestInterval": None}, "requestInterval: nothing was given"),
    (HEALTH_CHECK, {"resourcePath": "health"}, 'resourcePath: "health" given, a path starts with'),
    (HEALTH_CHECK, {"type": "HTTPS_STR_MATCH"}, "searchString: nothing was given"),
    (HEALTH_CHECK, {"type": "TCP"}, "port: nothing was given, TCP needs one"),
    (HEALTH_CHECK, {"failureThreshold": 11}, "failureThreshold: 11 given, at most 10 allowed"),
    (HEALTH_CHECK, {"regions": ["eu-west-1"]}, "regions: 1 entries given, at least 3 needed"),
    (HEALTH_CHECK, {"type": "CALCULATED"}, "childHealthchecks: nothing was given"),
    (
        API,
        {"corsConfiguration": {"allowCredentials": True, "allowOrigins": ["*"]}},
        "corsConfiguration.allowOrigins: * given, allowCredentials needs them by name",
    ),
    (
        API,
        {"protocolType": "WEBSOCKET"},
        "routeSelectionExpression: nothing was given, a WebSocket API needs one",
    ),
    (
        API,
        {"name": "a" * 129},
        "has 129 characters, at most 128 are allowed",
    ),
    (INTEGRATION, {**VPC, "connectionId": None}, "connectionId: nothing was given, VPC_LINK needs"),
    (INTEGRATION, {**VPC, "connectionType": None}, "connectionType: nothing was given"),
    (
        INTEGRATION,
        {**VPC, "integrationType": "AWS_PROXY"},
        "integrationType: AWS_PROXY given, a VPC link takes HTTP_PROXY",
    ),
    (INTEGRATION, {"integrationUri": "studio.example"}, "without a VPC link a URL is needed"),
    (INTEGRATION, {"integrationMethod": None}, "integrationMethod: nothing was given"),
    (
        INTEGRATION,
        {"payloadFormatVersion": "2.0"},
        "payloadFormatVersion: 2.0 given, HTTP_PROXY takes 1.0",
    ),
    (
        INTEGRATION,
        {"timeoutMilliseconds": 30001},
        "timeoutMilliseconds: 30001 given, at most 30000 allowed",
    ),
    (ROUTE, {"routeKey": "/jobs"}, 'routeKey: "/jobs" given, a method and a path are needed'),
    (ROUTE, {"routeKey": "FETCH /jobs"}, 'routeKey: "FETCH /jobs" given'),
    (ROUTE, {"authorizationType": "JWT"}, "authorizerId: nothing was given, JWT needs one"),
    (ROUTE, {"target": "abc"}, 'target: "abc" given, it starts with integrations/'),
    (
        API_DOMAIN,
        {"domainNameConfiguration.certificateArn": ELSEWHERE},
        "domainNameConfiguration.certificateArn: a certificate of eu-west-1, one of us-east-1",
    ),
    (
        API_DOMAIN,
        {"domainNameConfiguration.securityPolicy": "TLS_1_0"},
        "domainNameConfiguration.securityPolicy: TLS_1_0 given, TLS_1_2 is needed",
    ),
    (
        API_DOMAIN,
        {"domainNameConfiguration.endpointType": "EDGE"},
        "domainNameConfiguration.endpointType: EDGE given, REGIONAL is needed",
    ),
]


@pytest.mark.parametrize("at", range(len(REFUSED)), ids=[message for *_, message in REFUSED])
def test_what_aws_refuses_is_found_once(refused: list[list[str]], at: int) -> None:
    message = REFUSED[at][2]
    assert len([one for one in refused[at] if message in one]) == 1, refused[at]


TAKEN: list[tuple[str, dict[str, Any]]] = [
    *((of, {}) for of in PLAIN),
    (DISTRIBUTION, {**OWN, "aliases": ["studio.example"]}),
    (DISTRIBUTION, {"viewerCertificate.minimumProtocolVersion": "TLSv1"}),
    (DISTRIBUTION, {"origins.0": {**BUCKET_ORIGIN, "originAccessControlId": "E1"}}),
    (DISTRIBUTION, {"webAclId": ACL.format(scope="global")}),
    (DISTRIBUTION, {"defaultCacheBehavior.allowedMethods": ["OPTIONS", "HEAD", "GET"]}),
    (
        DISTRIBUTION,
        {
            "defaultCacheBehavior.functionAssociations": [
                CALLED,
                {**CALLED, "eventType": "viewer-response"},
            ]
        },
    ),
    (FUNCTION, {"code": "x" * 10240}),
    (CACHE_POLICY, {"minTtl": 0, "defaultTtl": 0, "maxTtl": 0}),
    (KEY, {"encodedKey": SECRET}),
    (WEB_ACL, {f"{RULE}statement": {"andStatement": {"statements": [HEALTH, HEALTH]}}}),
    (WEB_ACL, {f"{RULE}action": {"count": {}}}),
    (WEB_ACL, {"rules.1.statement.rateBasedStatement.scopeDownStatement": HEALTH}),
    (WEB_ACL, {"rules.1.statement.rateBasedStatement.limit": 2000000000}),
    (LOGGING, {"logDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-a"]}),
    (POOL, {"mfaConfiguration": "ON", "softwareTokenMfaConfiguration.enabled": True}),
    (POOL, {"userPoolTier": "PLUS", "userPoolAddOns.advancedSecurityMode": "ENFORCED"}),
    (POOL, {"userPoolTier": "LITE", "signInPolicy.allowedFirstAuthFactors": ["PASSWORD"]}),
    (CLIENT, OAUTH),
    (CLIENT, {**OAUTH, "callbackUrls": ["http://localhost:3000", "studio://signed-in"]}),
    (CLIENT, {"refreshTokenValidity": 3650}),
    (DOMAIN, {"domain": "a"}),
    (DOMAIN, {"domain": "a" * 63}),
    (DOMAIN, {"domain": "auth.studio.example", "certificateArn": CERTIFICATE}),
    (HEALTH_CHECK, {"requestInterval": 10, "resourcePath": "/health"}),
    (INTEGRATION, VPC),
    (INTEGRATION, {"integrationType": "AWS_PROXY", "payloadFormatVersion": "2.0"}),
    (ROUTE, {"routeKey": "$default"}),
    (ROUTE, {"routeKey": "sendmessage"}),
    (ROUTE, {"routeKey": "ANY /{proxy+}", "target": "integrations/abc"}),
]


@pytest.mark.parametrize("at", range(len(TAKEN)), ids=[f"{one[0]} {one[1]}" for one in TAKEN])
def test_what_aws_takes_is_not_found(taken: list[list[str]], at: int) -> None:
    assert taken[at] == []


def test_a_web_acl_of_cloudfront_is_in_us_east_1_wherever_the_program_is(
    account: MotoProvider,
) -> None:
    inputs = varied(WEB_ACL, {"scope": "CLOUDFRONT"})
    assert judged(account, WEB_ACL, inputs) == []
    assert judged(account, WEB_ACL, inputs, "eu-west-1") == [
        "scope: CLOUDFRONT given in eu-west-1, such a web ACL is in us-east-1"
    ]
    assert judged(account, WEB_ACL, varied(WEB_ACL, {}), "eu-west-1") == []


def test_a_certificate_of_an_http_api_is_of_the_apis_region(account: MotoProvider) -> None:
    inputs = varied(API_DOMAIN, {"domainNameConfiguration.certificateArn": ELSEWHERE})
    assert judged(account, API_DOMAIN, inputs, "eu-west-1") == []


def test_an_origin_group_may_be_the_default_though_moto_refuses_it(account: MotoProvider) -> None:
    groups = [
        {
            "originId": "either",
            "failoverCriteria": {"statusCodes": [500]},
            "members": [{"originId": "api"}, {"originId": "old"}],
        }
    ]
    changes = {
        "origins": [ORIGIN, {**ORIGIN, "originId": "old"}],
        "originGroups": groups,
        "defaultCacheBehavior.targetOriginId": "either",
    }
    made, findings = make(
        account, new_graph(), resource(DISTRIBUTION, "grouped", **varied(DISTRIBUTION, changes))
    )
    assert (findings, made.made_in) == ([], "shadow")
    assert made.id.startswith("E")


def test_rules_of_a_web_acl_may_be_json(account: MotoProvider) -> None:
    rule = '[{"Name": "a", "Priority": 1, "Verdict": {}}]'
    found = judged(account, WEB_ACL, varied(WEB_ACL, {"rules": None, "ruleJson": rule}))
    assert "rules[0].Verdict: no place in wafv2 CreateWebACL" in found
    broken = judged(account, WEB_ACL, varied(WEB_ACL, {"rules": None, "ruleJson": "[{"}))
    assert [one for one in broken if one.startswith("ruleJson: no valid JSON")]


def test_a_distribution_arrives_in_moto_as_the_api_spells_it(account: MotoProvider) -> None:
    inputs = varied(
        DISTRIBUTION, {"restrictions.geoRestriction.locations": ["DE"], "tags": {"Project": "s"}}
    )
    inputs["restrictions"]["geoRestriction"]["restrictionType"] = "whitelist"
    made, findings = make(account, new_graph(), resource(DISTRIBUTION, "sent", **inputs))
    assert findings == []
    client = account.account.client("cloudfront", "us-east-1")
    config = client.get_distribution_config(Id=made.id)["DistributionConfig"]
    methods = config["DefaultCacheBehavior"]["AllowedMethods"]
    assert (methods["Quantity"], methods["Items"]) == (2, ["GET", "HEAD"])
    assert methods["CachedMethods"]["Items"] == ["HEAD", "GET"]
    assert config["Restrictions"]["GeoRestriction"] == {
        "RestrictionType": "whitelist",
        "Quantity": 1,
        "Items": ["DE"],
    }
    assert config["Origins"]["Items"][0]["Id"] == "api"
    tags = client.list_tags_for_resource(Resource=made.outputs["arn"])["Tags"]["Items"]
    assert tags == [{"Key": "Project", "Value": "s"}]


def test_second_factors_are_set_in_a_call_of_their_own(account: MotoProvider) -> None:
    factors = {"mfaConfiguration": "ON", "softwareTokenMfaConfiguration": {"enabled": True}}
    made, findings = make(account, new_graph(), resource(POOL, "guarded", **factors))
    assert findings == []
    client = account.account.client("cognito-idp", "us-east-1")
    config = client.get_user_pool_mfa_config(UserPoolId=made.id)
    assert config["MfaConfiguration"] == "ON"
    assert config["SoftwareTokenMfaConfiguration"] == {"Enabled": True}


@pytest.fixture(scope="module", name="outputs")
def _outputs() -> dict[str, dict[str, Any]]:
    with MotoProvider() as provider:
        return standing(provider)


SHOWN = ("edge-access", "edge-function", "users", "web", "sign-in", "uptime", "http", "live")


def standing(provider: MotoProvider) -> dict[str, dict[str, Any]]:
    """Id and outputs of the samples that need no other one, or only the pool."""
    graph = new_graph()
    made: dict[str, dict[str, Any]] = {}
    for sample in (one for one in SAMPLES if one.name in SHOWN):
        inputs: dict[str, Any] = copy.deepcopy(dict(sample.inputs))
        if "userPoolId" in inputs:
            inputs["userPoolId"] = made["users"]["id"]
        found, findings = make(provider, graph, resource(sample.type, sample.name, **inputs))
        assert findings == []
        made[sample.name] = {"id": found.id, **found.outputs}
    return made


@pytest.mark.parametrize(
    ("name", "output", "value"),
    [
        ("edge-access", "arn", "arn:aws:cloudfront::123456789012:origin-access-control/{id}"),
        ("edge-function", "arn", "arn:aws:cloudfront::123456789012:function/{id}"),
        ("users", "arn", "arn:aws:cognito-idp:us-east-1:123456789012:userpool/{id}"),
        ("users", "endpoint", "cognito-idp.us-east-1.amazonaws.com/{id}"),
        ("sign-in", "cloudfrontDistributionZoneId", "Z2FDTNDATAQYW2"),
        ("sign-in", "id", "studio-dev"),
        ("uptime", "arn", "arn:aws:route53:::healthcheck/{id}"),
        ("http", "arn", "arn:aws:apigateway:us-east-1::/apis/{id}"),
        ("http", "apiEndpoint", "https://{id}.execute-api.us-east-1.amazonaws.com"),
        ("http", "executionArn", "arn:aws:execute-api:us-east-1:123456789012:{id}"),
        ("live", "apiEndpoint", "wss://{id}.execute-api.us-east-1.amazonaws.com"),
    ],
)
def test_outputs_are_what_aws_gives(
    outputs: dict[str, dict[str, Any]], name: str, output: str, value: str
) -> None:
    assert outputs[name][output] == value.format_map(outputs[name])


def test_a_client_without_a_secret_gives_none(outputs: dict[str, dict[str, Any]]) -> None:
    assert "clientSecret" not in outputs["web"]


def test_another_account_gives_the_same_ids(outputs: dict[str, dict[str, Any]]) -> None:
    with MotoProvider() as provider:
        assert standing(provider) == outputs


PROGRAM = """
    import json
    import pulumi
    import pulumi_aws as aws

    opts = pulumi.ResourceOptions(provider=aws.Provider("aws", region="eu-west-1"))
    global_opts = pulumi.ResourceOptions(provider=aws.Provider("global", region="us-east-1"))

    def visible(name):
        return {
            "cloudwatch_metrics_enabled": True,
            "metric_name": name,
            "sampled_requests_enabled": True,
        }

    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
    subnets = [
        aws.ec2.Subnet(
            zone, vpc_id=vpc.id, cidr_block=cidr, availability_zone=f"eu-west-1{zone}", opts=opts
        ).id
        for zone, cidr in {"a": "10.0.0.0/24", "b": "10.0.1.0/24"}.items()
    ]
    balancer = aws.lb.LoadBalancer(
        "api", load_balancer_type="application", internal=True, subnets=subnets, opts=opts
    )
    listener = aws.lb.Listener(
        "api",
        load_balancer_arn=balancer.arn,
        port=80,
        protocol="HTTP",
        default_actions=[
            {
                "type": "fixed-response",
                "fixed_response": {"content_type": "text/plain", "status_code": "404"},
            }
        ],
        opts=opts,
    )

    media = aws.s3.Bucket("media", opts=opts)
    access = aws.cloudfront.OriginAccessControl(
        "media",
        origin_access_control_origin_type="s3",
        signing_behavior="always",
        signing_protocol="sigv4",
        opts=opts,
    )
    firewall = aws.wafv2.WebAcl(
        "edge",
        scope="CLOUDFRONT",
        default_action={"allow": {}},
        visibility_config=visible("edge"),
        rules=[
            {
                "name": "common",
                "priority": 1,
                "override_action": {"none": {}},
                "statement": {
                    "managed_rule_group_statement": {
                        "vendor_name": "AWS",
                        "name": "AWSManagedRulesCommonRuleSet",
                    }
                },
                "visibility_config": visible("common"),
            }
        ],
        opts=global_opts,
    )
    logs = aws.cloudwatch.LogGroup("edge", name="aws-waf-logs-edge", opts=global_opts)
    aws.wafv2.WebAclLoggingConfiguration(
        "edge",
        resource_arn=firewall.arn,
        log_destination_configs=[logs.arn],
        opts=global_opts,
    )
    certificate = aws.acm.Certificate(
        "edge", domain_name="media.studio.example", validation_method="DNS", opts=global_opts
    )
    function = aws.cloudfront.Function(
        "edge",
        runtime="cloudfront-js-2.0",
        code="function handler(event) { return event.request; }",
        opts=opts,
    )
    origin = aws.cloudfront.VpcOrigin(
        "api",
        vpc_origin_endpoint_config={
            "name": "api",
            "arn": balancer.arn,
            "http_port": 80,
            "https_port": 443,
            "origin_protocol_policy": "http-only",
            "origin_ssl_protocols": {"items": ["TLSv1.2"], "quantity": 1},
        },
        opts=opts,
    )
    edge = aws.cloudfront.Distribution(
        "edge",
        enabled=True,
        aliases=["media.studio.example"],
        web_acl_id=firewall.arn,
        origins=[
            {
                "origin_id": "media",
                "domain_name": media.bucket_regional_domain_name,
                "origin_access_control_id": access.id,
            },
            {
                "origin_id": "api",
                "domain_name": balancer.dns_name,
                "vpc_origin_config": {"vpc_origin_id": origin.id},
            },
        ],
        default_cache_behavior={
            "target_origin_id": "media",
            "viewer_protocol_policy": "redirect-to-https",
            "allowed_methods": ["GET", "HEAD"],
            "cached_methods": ["GET", "HEAD"],
            "cache_policy_id": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "response_headers_policy_id": "67f7725c-6f97-4210-82d7-5512b31e9d03",
            "function_associations": [
                {"event_type": "viewer-request", "function_arn": function.arn}
            ],
        },
        restrictions={"geo_restriction": {"restriction_type": "none"}},
        viewer_certificate={
            "acm_certificate_arn": certificate.arn,
            "ssl_support_method": "sni-only",
            "minimum_protocol_version": "TLSv1.2_2021",
        },
        opts=opts,
    )
    zone = aws.route53.Zone("studio", name="studio.example", opts=opts)
    aws.route53.Record(
        "media",
        zone_id=zone.zone_id,
        name="media.studio.example",
        type="A",
        aliases=[
            {
                "name": edge.domain_name,
                "zone_id": edge.hosted_zone_id,
                "evaluate_target_health": False,
            }
        ],
        opts=opts,
    )

    users = aws.cognito.UserPool(
        "users",
        mfa_configuration="OPTIONAL",
        software_token_mfa_configuration={"enabled": True},
        opts=opts,
    )
    aws.cognito.UserPoolClient("web", user_pool_id=users.id, generate_secret=True, opts=opts)
    aws.cognito.UserPoolDomain("web", user_pool_id=users.id, domain="studio-dev", opts=opts)
    door = aws.wafv2.WebAcl(
        "users",
        scope="REGIONAL",
        default_action={"allow": {}},
        visibility_config=visible("users"),
        opts=opts,
    )
    aws.wafv2.WebAclAssociation(
        "users", web_acl_arn=door.arn, resource_arn=users.arn, opts=opts
    )

    http = aws.apigatewayv2.Api("http", protocol_type="HTTP", opts=opts)
    link = aws.apigatewayv2.VpcLink("http", subnet_ids=subnets, security_group_ids=[], opts=opts)
    integration = aws.apigatewayv2.Integration(
        "http",
        api_id=http.id,
        integration_type="HTTP_PROXY",
        integration_method="ANY",
        integration_uri=listener.arn,
        connection_type="VPC_LINK",
        connection_id=link.id,
        opts=opts,
    )
    aws.apigatewayv2.Route(
        "http",
        api_id=http.id,
        route_key="ANY /{proxy+}",
        target=integration.id.apply(lambda id: f"integrations/{id}"),
        opts=opts,
    )
    stage = aws.apigatewayv2.Stage(
        "http", api_id=http.id, name="$default", auto_deploy=True, opts=opts
    )

    uptime = aws.route53.HealthCheck(
        "uptime",
        type="HTTPS",
        fqdn="media.studio.example",
        request_interval=30,
        failure_threshold=3,
        opts=opts,
    )
    alarm = {"comparison_operator": "LessThanThreshold", "evaluation_periods": 1, "threshold": 1}
    for name, namespace, metric, dimensions in (
        ("uptime", "AWS/Route53", "HealthCheckStatus", {"HealthCheckId": uptime.id}),
        (
            "errors",
            "AWS/CloudFront",
            "5xxErrorRate",
            {"DistributionId": edge.id, "Region": "Global"},
        ),
        (
            "blocked",
            "AWS/WAFV2",
            "BlockedRequests",
            {"WebACL": "edge", "Rule": "common"},
        ),
    ):
        aws.cloudwatch.MetricAlarm(
            name,
            namespace=namespace,
            metric_name=metric,
            dimensions=dimensions,
            period=60,
            statistic="Minimum",
            opts=global_opts,
            **alarm,
        )
    aws.cloudwatch.MetricAlarm(
        "signed-in",
        namespace="AWS/Cognito",
        metric_name="SignInSuccesses",
        dimensions={"UserPool": users.id, "UserPoolClient": "web"},
        period=60,
        statistic="Sum",
        opts=opts,
        **alarm,
    )
    pulumi.export("url", stage.invoke_url)
    pulumi.export("media", edge.domain_name)
"""


@pytest.fixture(scope="module", name="graph")
def _graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    directory = tmp_path_factory.mktemp("edge")
    write_project(directory, PROGRAM)
    with MotoProvider() as provider:
        return rehearse(directory, "dev", "Pulumi.dev.yaml", provider)


def test_a_studio_behind_cloudfront_rehearses_with_no_finding(graph: Graph) -> None:
    assert [finding.message for finding in graph.findings] == []
    shadowed = {one.type for one in graph.resources.values() if one.made_in == "shadow"}
    assert shadowed == {"aws:cloudfront/vpcOrigin:VpcOrigin"}
    assert graph.outputs["media"].endswith(".cloudfront.net")
    assert graph.outputs["url"].endswith(".execute-api.eu-west-1.amazonaws.com/")


def test_the_secret_of_a_client_is_not_written_down(graph: Graph) -> None:
    (client,) = [one for one in graph.resources.values() if one.type == CLIENT]
    assert len(client.outputs["clientSecret"]) == 36
    assert client.outputs["clientSecret"] not in graph.write()


BEHAVIOUR_PATH = "defaultCacheBehavior."


@pytest.mark.parametrize(
    ("type", "name", "path", "value", "message"),
    [
        (
            "cloudfront.Distribution",
            "edge",
            "origins.0.originAccessControlId",
            "E1",
            "origins[0].originAccessControlId: 'E1' is no origin access control",
        ),
        ("cloudfront.Distribution", "edge", "webAclId", ACL.format(scope="global"), "no web ACL"),
        (
            "cloudfront.Distribution",
            "edge",
            f"{BEHAVIOUR_PATH}cachePolicyId",
            "658327ea-f89d-4fab-a63d-7e88639e58f7",
            "is no cache policy",
        ),
        (
            "cloudfront.Distribution",
            "edge",
            f"{BEHAVIOUR_PATH}responseHeadersPolicyId",
            "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "is no response headers policy",
        ),
        (
            "cloudfront.Distribution",
            "edge",
            f"{BEHAVIOUR_PATH}originRequestPolicyId",
            "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "is no origin request policy",
        ),
        (
            "cloudfront.Distribution",
            "edge",
            f"{BEHAVIOUR_PATH}functionAssociations.0.functionArn",
            "arn:aws:cloudfront::123456789012:function/other",
            "is no CloudFront function",
        ),
        (
            "cloudfront.Distribution",
            "edge",
            f"{BEHAVIOUR_PATH}trustedKeyGroups",
            ["K1"],
            "defaultCacheBehavior.trustedKeyGroups[0]: 'K1' is no key group",
        ),
        (
            "cloudfront.Distribution",
            "edge",
            "origins.1.vpcOriginConfig.vpcOriginId",
            "vo_1",
            "'vo_1' is no VPC origin",
        ),
        (
            "cloudfront.Distribution",
            "edge",
            "viewerCertificate.acmCertificateArn",
            CERTIFICATE,
            "is no certificate",
        ),
        (
            "cloudfront.Distribution",
            "edge",
            "loggingConfig",
            {"bucket": "nobody.s3.amazonaws.com"},
            "is no bucket (by its domain name)",
        ),
        (
            "cloudfront.Distribution",
            "edge",
            "origins.0.customOriginConfig",
            {"httpPort": 80},
            "origins[0].originAccessControlId: 'media' signs for buckets, and this origin",
        ),
        (
            "wafv2.WebAclAssociation",
            "users",
            "webAclArn",
            ACL.format(scope="regional"),
            "webAclArn: ",
        ),
        (
            "wafv2.WebAclAssociation",
            "users",
            "resourceArn",
            "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/none",
            "is no load balancer or user pool",
        ),
        (
            "wafv2.WebAclLoggingConfiguration",
            "edge",
            "logDestinationConfigs",
            ["arn:aws:logs:us-east-1:123456789012:log-group:aws-waf-logs-none"],
            "is no log group or bucket",
        ),
        ("cognito.UserPoolClient", "web", "userPoolId", "eu-west-1_none", "is no user pool"),
        ("apigatewayv2.Route", "http", "apiId", "none", "apiId: 'none' is no API"),
        (
            "apigatewayv2.Route",
            "http",
            "target",
            "integrations/none",
            "target: 'none' is no integration of the route's API; there is",
        ),
        ("apigatewayv2.Integration", "http", "connectionId", "none", "'none' is no VPC link"),
        (
            "apigatewayv2.Integration",
            "http",
            "integrationUri",
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/none/1/2",
            "is no listener or function",
        ),
        (
            "cloudwatch.MetricAlarm",
            "uptime",
            "dimensions.HealthCheckId",
            "none",
            "the metric watches 'none', which this program does not make",
        ),
        ("cloudwatch.MetricAlarm", "errors", "dimensions.DistributionId", "none", "'none'"),
        ("cloudwatch.MetricAlarm", "blocked", "dimensions.WebACL", "none", "'none'"),
        ("cloudwatch.MetricAlarm", "signed-in", "dimensions.UserPool", "none", "'none'"),
        ("route53.Record", "media", "healthCheckId", "none", "'none' is no health check"),
    ],
)
def test_what_the_edge_points_at_has_to_be_there(
    graph: Graph, type: str, name: str, path: str, value: Any, message: str
) -> None:
    broken = changed(graph, type, name, path, value)
    found = [finding.message for finding in references.check(broken)]
    assert any(message in one for one in found), found


def test_an_alarm_on_what_has_no_region_is_in_us_east_1(graph: Graph) -> None:
    moved = copy.deepcopy(graph)
    for one in moved.resources.values():
        if one.name in ("uptime", "errors") and one.type.endswith(":MetricAlarm"):
            one.region = "eu-west-1"
    assert sorted(finding.message for finding in references.check(moved)) == [
        "dimensions.DistributionId: its metrics are in us-east-1, and the alarm is in eu-west-1",
        "dimensions.HealthCheckId: its metrics are in us-east-1, and the alarm is in eu-west-1",
    ]


@pytest.mark.parametrize("policy", ["cachePolicyId", "originRequestPolicyId"])
def test_policies_that_aws_manages_need_no_resource(graph: Graph, policy: str) -> None:
    managed = {
        "cachePolicyId": CACHING_DISABLED,
        "originRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    }
    path = f"{BEHAVIOUR_PATH}{policy}"
    broken = changed(graph, "cloudfront.Distribution", "edge", path, managed[policy])
    assert [finding.message for finding in references.check(broken)] == []
