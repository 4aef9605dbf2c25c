"""What stands between the internet and the studio, as type, name and inputs of each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEIDNKy/Mf5PtO42K7xuPgbpPRRNRI
Ti9GWDpcSwY3umDNOhW8pRdQMY1QzsBtSvr8ilRrzVPVAVj4jH3dcA6qPQ==
-----END PUBLIC KEY-----
"""


def visible(name: str) -> dict[str, Any]:
    return {
        "cloudwatchMetricsEnabled": True,
        "metricName": name,
        "sampledRequestsEnabled": True,
    }


HEALTH = {
    "byteMatchStatement": {
        "fieldToMatch": {"uriPath": {}},
        "positionalConstraint": "EXACTLY",
        "searchString": "/health",
        "textTransformations": [{"priority": 0, "type": "NONE"}],
    }
}

FIREWALL: Mapping[str, Any] = {
    "name": "studio-edge",
    "scope": "CLOUDFRONT",
    "defaultAction": {"allow": {}},
    "visibilityConfig": visible("studio-edge"),
    "customResponseBodies": [
        {"key": "slow-down", "content": "Too many requests.", "contentType": "TEXT_PLAIN"}
    ],
    "associationConfig": {
        "requestBodies": [{"cloudfront": {"defaultSizeInspectionLimit": "KB_32"}}]
    },
    "rules": [
        {
            "name": "common",
            "priority": 10,
            "overrideAction": {"none": {}},
            "statement": {
                "managedRuleGroupStatement": {
                    "vendorName": "AWS",
                    "name": "AWSManagedRulesCommonRuleSet",
                    "ruleActionOverrides": [
                        {"name": "SizeRestrictions_BODY", "actionToUse": {"count": {}}}
                    ],
                    "scopeDownStatement": {"notStatement": {"statement": HEALTH}},
                }
            },
            "visibilityConfig": visible("common"),
        },
        {
            "name": "rate",
            "priority": 20,
            "action": {
                "block": {
                    "customResponse": {"responseCode": 429, "customResponseBodyKey": "slow-down"}
                }
            },
            "statement": {
                "rateBasedStatement": {
                    "limit": 2000,
                    "aggregateKeyType": "IP",
                    "evaluationWindowSec": 300,
                    "scopeDownStatement": HEALTH,
                }
            },
            "visibilityConfig": visible("rate"),
        },
    ],
}

DISTRIBUTION: Mapping[str, Any] = {
    "enabled": True,
    "isIpv6Enabled": True,
    "httpVersion": "http2and3",
    "priceClass": "PriceClass_100",
    "comment": "studio",
    "aliases": ["media.studio.example"],
    "defaultRootObject": "index.html",
    "webAclId": "{edge-firewall.arn}",
    "origins": [
        {
            "originId": "media",
            "domainName": "{media.bucketRegionalDomainName}",
            "originAccessControlId": "{edge-access.id}",
            "originShield": {"enabled": True, "originShieldRegion": "us-east-1"},
        },
        {
            "originId": "api",
            "domainName": "{balancer.dnsName}",
            "vpcOriginConfig": {
                "vpcOriginId": "{edge-origin.id}",
                "originReadTimeout": 60,
                "originKeepaliveTimeout": 5,
            },
            "customHeaders": [{"name": "X-Origin", "value": "edge"}],
        },
        {
            "originId": "elsewhere",
            "domainName": "old.studio.example",
            "customOriginConfig": {
                "httpPort": 80,
                "httpsPort": 443,
                "originProtocolPolicy": "https-only",
                "originSslProtocols": ["TLSv1.2"],
            },
        },
    ],
    "originGroups": [
        {
            "originId": "either",
            "failoverCriteria": {"statusCodes": [500, 502, 503]},
            "members": [{"originId": "media"}, {"originId": "elsewhere"}],
        }
    ],
    "defaultCacheBehavior": {
        "targetOriginId": "media",
        "viewerProtocolPolicy": "redirect-to-https",
        "allowedMethods": ["GET", "HEAD"],
        "cachedMethods": ["GET", "HEAD"],
        "compress": True,
        "cachePolicyId": "{edge-cache.id}",
        "responseHeadersPolicyId": "{edge-headers.id}",
        "trustedKeyGroups": ["{edge-keys.id}"],
        "functionAssociations": [
            {"eventType": "viewer-request", "functionArn": "{edge-function.arn}"}
        ],
    },
    "orderedCacheBehaviors": [
        {
            "pathPattern": "/api/*",
            "targetOriginId": "api",
            "viewerProtocolPolicy": "https-only",
            "allowedMethods": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
            "cachedMethods": ["GET", "HEAD"],
            "cachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "originRequestPolicyId": "{edge-requests.id}",
        },
        {
            "pathPattern": "/old/*",
            "targetOriginId": "either",
            "viewerProtocolPolicy": "https-only",
            "allowedMethods": ["GET", "HEAD"],
            "cachedMethods": ["GET", "HEAD"],
            "forwardedValues": {
                "queryString": True,
                "headers": ["Origin"],
                "cookies": {"forward": "none"},
            },
        },
    ],
    "customErrorResponses": [
        {
            "errorCode": 403,
            "responseCode": 200,
            "responsePagePath": "/index.html",
            "errorCachingMinTtl": 10,
        }
    ],
    "restrictions": {"geoRestriction": {"restrictionType": "whitelist", "locations": ["DE", "FR"]}},
    "viewerCertificate": {
        "acmCertificateArn": "{certificate.arn}",
        "sslSupportMethod": "sni-only",
        "minimumProtocolVersion": "TLSv1.2_2021",
    },
    "loggingConfig": {"bucket": "{media.bucketDomainName}", "prefix": "edge/"},
    "tags": {"Project": "studio"},
}

EDGE_SAMPLES: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    (
        "aws:cloudfront/originAccessControl:OriginAccessControl",
        "edge-access",
        {
            "originAccessControlOriginType": "s3",
            "signingBehavior": "always",
            "signingProtocol": "sigv4",
        },
    ),
    (
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        "edge-headers",
        {
            "corsConfig": {
                "accessControlAllowCredentials": False,
                "accessControlAllowHeaders": {"items": ["*"]},
                "accessControlAllowMethods": {"items": ["GET", "HEAD"]},
                "accessControlAllowOrigins": {"items": ["https://studio.example"]},
                "originOverride": True,
            },
            "customHeadersConfig": {
                "items": [{"header": "X-Robots-Tag", "override": True, "value": "noindex"}]
            },
            "securityHeadersConfig": {
                "contentTypeOptions": {"override": True},
                "strictTransportSecurity": {
                    "accessControlMaxAgeSec": 31536000,
                    "override": True,
                    "includeSubdomains": True,
                },
            },
            "serverTimingHeadersConfig": {"enabled": True, "samplingRate": 0.5},
        },
    ),
    (
        "aws:cloudfront/cachePolicy:CachePolicy",
        "edge-cache",
        {
            "minTtl": 1,
            "defaultTtl": 3600,
            "parametersInCacheKeyAndForwardedToOrigin": {
                "enableAcceptEncodingGzip": True,
                "enableAcceptEncodingBrotli": True,
                "cookiesConfig": {"cookieBehavior": "none"},
                "headersConfig": {
                    "headerBehavior": "whitelist",
                    "headers": {"items": ["Origin", "Accept-Language"]},
                },
                "queryStringsConfig": {"queryStringBehavior": "all"},
            },
        },
    ),
    (
        "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
        "edge-requests",
        {
            "cookiesConfig": {"cookieBehavior": "none"},
            "headersConfig": {
                "headerBehavior": "whitelist",
                "headers": {"items": ["CloudFront-Viewer-Country"]},
            },
            "queryStringsConfig": {"queryStringBehavior": "all"},
        },
    ),
    (
        "aws:cloudfront/function:Function",
        "edge-function",
        {
            "runtime": "cloudfront-js-2.0",
            "code": "function handler(event) { return event.request; }",
        },
    ),
    ("aws:cloudfront/publicKey:PublicKey", "edge-key", {"encodedKey": PUBLIC_KEY}),
    ("aws:cloudfront/keyGroup:KeyGroup", "edge-keys", {"items": ["{edge-key.id}"]}),
    (
        "aws:cloudfront/vpcOrigin:VpcOrigin",
        "edge-origin",
        {
            "vpcOriginEndpointConfig": {
                "name": "api",
                "arn": "{balancer.arn}",
                "httpPort": 80,
                "httpsPort": 443,
                "originProtocolPolicy": "https-only",
                "originSslProtocols": {"items": ["TLSv1.2"], "quantity": 1},
            },
            "tags": {"Project": "studio"},
        },
    ),
    ("aws:wafv2/webAcl:WebAcl", "edge-firewall", FIREWALL),
    (
        "aws:wafv2/webAcl:WebAcl",
        "api-firewall",
        {
            "scope": "REGIONAL",
            "defaultAction": {"allow": {}},
            "visibilityConfig": visible("studio-api"),
        },
    ),
    (
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        "api-protected",
        {"webAclArn": "{api-firewall.arn}", "resourceArn": "{balancer.arn}"},
    ),
    ("aws:cloudwatch/logGroup:LogGroup", "firewall-logs", {"name": "aws-waf-logs-studio"}),
    (
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        "firewall-logging",
        {
            "resourceArn": "{edge-firewall.arn}",
            "logDestinationConfigs": ["{firewall-logs.arn}"],
            "redactedFields": [{"singleHeader": {"name": "authorization"}}],
            "loggingFilter": {
                "defaultBehavior": "DROP",
                "filters": [
                    {
                        "behavior": "KEEP",
                        "requirement": "MEETS_ANY",
                        "conditions": [{"actionCondition": {"action": "BLOCK"}}],
                    }
                ],
            },
        },
    ),
    ("aws:cloudfront/distribution:Distribution", "edge", DISTRIBUTION),
    (
        "aws:cognito/userPool:UserPool",
        "users",
        {
            "userPoolTier": "PLUS",
            "deletionProtection": "ACTIVE",
            "usernameAttributes": ["email"],
            "autoVerifiedAttributes": ["email"],
            "mfaConfiguration": "OPTIONAL",
            "softwareTokenMfaConfiguration": {"enabled": True},
            "signInPolicy": {"allowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]},
            "webAuthnConfiguration": {
                "relyingPartyId": "studio.example",
                "userVerification": "preferred",
            },
            "passwordPolicy": {
                "minimumLength": 12,
                "requireLowercase": True,
                "requireNumbers": True,
                "requireSymbols": False,
                "requireUppercase": True,
                "temporaryPasswordValidityDays": 7,
            },
            "accountRecoverySetting": {
                "recoveryMechanisms": [{"name": "verified_email", "priority": 1}]
            },
            "adminCreateUserConfig": {"allowAdminCreateUserOnly": False},
            "userPoolAddOns": {"advancedSecurityMode": "AUDIT"},
            "schemas": [
                {
                    "name": "tenant",
                    "attributeDataType": "String",
                    "mutable": False,
                    "stringAttributeConstraints": {"minLength": "1", "maxLength": "64"},
                }
            ],
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:cognito/userPoolClient:UserPoolClient",
        "web",
        {
            "userPoolId": "{users.id}",
            "generateSecret": False,
            "allowedOauthFlowsUserPoolClient": True,
            "allowedOauthFlows": ["code"],
            "allowedOauthScopes": ["openid", "email"],
            "callbackUrls": ["https://studio.example/signed-in", "http://localhost:3000"],
            "logoutUrls": ["https://studio.example"],
            "supportedIdentityProviders": ["COGNITO"],
            "explicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
            "refreshTokenRotation": {"feature": "ENABLED", "retryGracePeriodSeconds": 10},
            "accessTokenValidity": 15,
            "refreshTokenValidity": 30,
            "tokenValidityUnits": {"accessToken": "minutes", "refreshToken": "days"},
            "preventUserExistenceErrors": "ENABLED",
        },
    ),
    (
        "aws:cognito/managedLoginBranding:ManagedLoginBranding",
        "sign-in-style",
        {
            "userPoolId": "{users.id}",
            "clientId": "{web.id}",
            "useCognitoProvidedValues": True,
        },
    ),
    (
        "aws:cognito/userPoolDomain:UserPoolDomain",
        "sign-in",
        {"userPoolId": "{users.id}", "domain": "studio-dev"},
    ),
    (
        "aws:cognito/userPoolDomain:UserPoolDomain",
        "own-sign-in",
        {
            "userPoolId": "{users.id}",
            "domain": "auth.studio.example",
            "certificateArn": "{certificate.arn}",
        },
    ),
    (
        "aws:route53/healthCheck:HealthCheck",
        "uptime",
        {
            "type": "HTTPS",
            "fqdn": "api.studio.example",
            "port": 443,
            "resourcePath": "/health",
            "requestInterval": 30,
            "failureThreshold": 3,
            "measureLatency": True,
            "regions": ["us-east-1", "eu-west-1", "ap-southeast-1"],
            "tags": {"Name": "uptime"},
        },
    ),
    (
        "aws:route53/healthCheck:HealthCheck",
        "uptime-of-all",
        {
            "type": "CALCULATED",
            "childHealthchecks": ["{uptime.id}"],
            "childHealthThreshold": 1,
        },
    ),
    (
        "aws:apigatewayv2/api:Api",
        "http",
        {
            "protocolType": "HTTP",
            "corsConfiguration": {
                "allowOrigins": ["https://studio.example"],
                "allowMethods": ["GET", "POST"],
                "maxAge": 300,
            },
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:apigatewayv2/api:Api",
        "live",
        {"protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"},
    ),
    (
        "aws:apigatewayv2/vpcLink:VpcLink",
        "into-the-vpc",
        {
            "subnetIds": ["{private-a.id}", "{private-b.id}"],
            "securityGroupIds": ["{vpc.defaultSecurityGroupId}"],
        },
    ),
    (
        "aws:apigatewayv2/integration:Integration",
        "to-the-api",
        {
            "apiId": "{http.id}",
            "integrationType": "HTTP_PROXY",
            "integrationMethod": "ANY",
            "integrationUri": "{listener.arn}",
            "connectionType": "VPC_LINK",
            "connectionId": "{into-the-vpc.id}",
            "payloadFormatVersion": "1.0",
            "timeoutMilliseconds": 29000,
            "requestParameters": {"overwrite:path": "$request.path"},
            "responseParameters": [
                {"statusCode": "403", "mappings": {"append:header.reason": "denied"}}
            ],
        },
    ),
    (
        "aws:apigatewayv2/route:Route",
        "everything",
        {
            "apiId": "{http.id}",
            "routeKey": "ANY /{proxy+}",
            "target": "integrations/{to-the-api.id}",
        },
    ),
    (
        "aws:apigatewayv2/stage:Stage",
        "whole",
        {
            "apiId": "{http.id}",
            "name": "$default",
            "autoDeploy": True,
            "accessLogSettings": {
                "destinationArn": "{logs.arn}",
                "format": "$context.requestId",
            },
            "defaultRouteSettings": {"throttlingBurstLimit": 50, "throttlingRateLimit": 100},
            "routeSettings": [{"routeKey": "ANY /{proxy+}", "detailedMetricsEnabled": True}],
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:apigatewayv2/stage:Stage",
        "live-stage",
        {"apiId": "{live.id}", "name": "dev", "autoDeploy": True},
    ),
    (
        "aws:apigatewayv2/domainName:DomainName",
        "own-name",
        {
            "domainName": "http.studio.example",
            "domainNameConfiguration": {
                "certificateArn": "{certificate.arn}",
                "endpointType": "REGIONAL",
                "securityPolicy": "TLS_1_2",
            },
        },
    ),
    (
        "aws:apigatewayv2/apiMapping:ApiMapping",
        "mapped",
        {"apiId": "{http.id}", "domainName": "{own-name.id}", "stage": "{whole.id}"},
    ),
)
