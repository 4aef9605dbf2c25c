"""Elastic Load Balancing v2: application and network load balancers.

Most settings travel in a second call, as a list of keys and text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope
from rehearsal.graph import Unknown


def _attributes(keys: Mapping[str, str]) -> dict[str, str]:
    return {name: f"Attributes[{key}]" for name, key in keys.items()}


LOAD_BALANCER = {
    "accessLogs.bucket": "access_logs.s3.bucket",
    "accessLogs.enabled": "access_logs.s3.enabled",
    "accessLogs.prefix": "access_logs.s3.prefix",
    "clientKeepAlive": "client_keep_alive.seconds",
    "connectionLogs.bucket": "connection_logs.s3.bucket",
    "connectionLogs.enabled": "connection_logs.s3.enabled",
    "connectionLogs.prefix": "connection_logs.s3.prefix",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dnsRecordClientRoutingPolicy": "dns_record.client_routing_policy",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableTlsVersionAndCipherSuiteHeaders": (
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"
    ),
    "enableWafFailOpen": "waf.fail_open.enabled",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "secondaryIpsAutoAssignedPerSubnet": "secondary_ips.auto_assigned.per_subnet",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
}

HEALTH_CHECK_LOGS = {
    "healthCheckLogs.bucket": "health_check_logs.s3.bucket",
    "healthCheckLogs.enabled": "health_check_logs.s3.enabled",
    "healthCheckLogs.prefix": "health_check_logs.s3.prefix",
}

TARGET_GROUP = {
    "connectionTermination": "deregistration_delay.connection_termination.enabled",
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "lambdaMultiValueHeadersEnabled": "lambda.multi_value_headers.enabled",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
    "preserveClientIp": "preserve_client_ip.enabled",
    "proxyProtocolV2": "proxy_protocol_v2.enabled",
    "slowStart": "slow_start.duration_seconds",
    "stickiness.appCookieDuration": "stickiness.app_cookie.duration_seconds",
    "stickiness.cookieDuration": "stickiness.lb_cookie.duration_seconds",
    "stickiness.cookieName": "stickiness.app_cookie.cookie_name",
    "stickiness.enabled": "stickiness.enabled",
    "stickiness.type": "stickiness.type",
    "targetFailovers.onDeregistration": "target_failover.on_deregistration",
    "targetFailovers.onUnhealthy": "target_failover.on_unhealthy",
    "targetGroupHealth.dnsFailover.minimumHealthyTargetsCount": (
        "target_group_health.dns_failover.minimum_healthy_targets.count"
    ),
    "targetGroupHealth.dnsFailover.minimumHealthyTargetsPercentage": (
        "target_group_health.dns_failover.minimum_healthy_targets.percentage"
    ),
    "targetGroupHealth.unhealthyStateRouting.minimumHealthyTargetsCount": (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"
    ),
    "targetGroupHealth.unhealthyStateRouting.minimumHealthyTargetsPercentage": (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage"
    ),
    "targetHealthStates.enableUnhealthyConnectionTermination": (
        "target_health_state.unhealthy.connection_termination.enabled"
    ),
    "targetHealthStates.unhealthyDrainingInterval": (
        "target_health_state.unhealthy.draining_interval_seconds"
    ),
}

_REQUEST = "routing.http.request."
_RESPONSE = "routing.http.response."

LISTENER = {
    "routingHttpRequestXAmznMtlsClientcertHeaderName": (
        f"{_REQUEST}x_amzn_mtls_clientcert.header_name"
    ),
    "routingHttpRequestXAmznMtlsClientcertIssuerHeaderName": (
        f"{_REQUEST}x_amzn_mtls_clientcert_issuer.header_name"
    ),
    "routingHttpRequestXAmznMtlsClientcertLeafHeaderName": (
        f"{_REQUEST}x_amzn_mtls_clientcert_leaf.header_name"
    ),
    "routingHttpRequestXAmznMtlsClientcertSerialNumberHeaderName": (
        f"{_REQUEST}x_amzn_mtls_clientcert_serial_number.header_name"
    ),
    "routingHttpRequestXAmznMtlsClientcertSubjectHeaderName": (
        f"{_REQUEST}x_amzn_mtls_clientcert_subject.header_name"
    ),
    "routingHttpRequestXAmznMtlsClientcertValidityHeaderName": (
        f"{_REQUEST}x_amzn_mtls_clientcert_validity.header_name"
    ),
    "routingHttpRequestXAmznTlsCipherSuiteHeaderName": (
        f"{_REQUEST}x_amzn_tls_cipher_suite.header_name"
    ),
    "routingHttpRequestXAmznTlsVersionHeaderName": f"{_REQUEST}x_amzn_tls_version.header_name",
    "routingHttpResponseAccessControlAllowCredentialsHeaderValue": (
        f"{_RESPONSE}access_control_allow_credentials.header_value"
    ),
    "routingHttpResponseAccessControlAllowHeadersHeaderValue": (
        f"{_RESPONSE}access_control_allow_headers.header_value"
    ),
    "routingHttpResponseAccessControlAllowMethodsHeaderValue": (
        f"{_RESPONSE}access_control_allow_methods.header_value"
    ),
    "routingHttpResponseAccessControlAllowOriginHeaderValue": (
        f"{_RESPONSE}access_control_allow_origin.header_value"
    ),
    "routingHttpResponseAccessControlExposeHeadersHeaderValue": (
        f"{_RESPONSE}access_control_expose_headers.header_value"
    ),
    "routingHttpResponseAccessControlMaxAgeHeaderValue": (
        f"{_RESPONSE}access_control_max_age.header_value"
    ),
    "routingHttpResponseContentSecurityPolicyHeaderValue": (
        f"{_RESPONSE}content_security_policy.header_value"
    ),
    "routingHttpResponseServerEnabled": f"{_RESPONSE}server.enabled",
    "routingHttpResponseStrictTransportSecurityHeaderValue": (
        f"{_RESPONSE}strict_transport_security.header_value"
    ),
    "routingHttpResponseXContentTypeOptionsHeaderValue": (
        f"{_RESPONSE}x_content_type_options.header_value"
    ),
    "routingHttpResponseXFrameOptionsHeaderValue": f"{_RESPONSE}x_frame_options.header_value",
    "tcpIdleTimeoutSeconds": "tcp.idle_timeout.seconds",
}


def _suffix(kind: str) -> Any:
    """The end of an ARN, by which CloudWatch names a load balancer or a target group."""

    def cut(scope: Scope) -> str | None:
        arn = scope.find(f"{kind}Arn")
        last = str(arn).rpartition(":")[2]
        return last.removeprefix("loadbalancer/") if arn else None

    return cut


def _load_balancer(inputs: Inputs) -> Inputs:
    internal = inputs.pop("internal", None)
    if internal is not None:
        inputs["scheme"] = "internal" if internal in (True, "true") else "internet-facing"
    for logs in ("accessLogs", "connectionLogs", "healthCheckLogs"):
        block = inputs.get(logs)
        # Unless it is told otherwise AWS keeps the logs off, whatever the bucket.
        if isinstance(block, dict):
            block.setdefault("enabled", False)
    return inputs


def _target_group(inputs: Inputs) -> Inputs:
    stickiness = inputs.get("stickiness") or {}
    if stickiness.get("type") == "app_cookie" and "cookieDuration" in stickiness:
        stickiness["appCookieDuration"] = stickiness.pop("cookieDuration")
    return inputs


def _health_check(inputs: Inputs) -> Iterator[tuple[str, str]]:
    check = inputs.get("healthCheck")
    if not isinstance(check, dict):
        return
    path = check.get("path")
    if isinstance(path, str) and not path.startswith("/"):
        yield "healthCheck.path", f'"{path}" given, a path starts with /'
    interval, timeout = check.get("interval", 30), check.get("timeout", 5)
    if timeout is not None and float(timeout) >= float(interval):
        path = "healthCheck.timeout"
        yield path, f"{timeout} given, less than healthCheck.interval ({interval}) is needed"


def _target(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if inputs.get("targetType", "instance") == "lambda":
        return
    for name in ("port", "protocol", "vpcId"):
        if not inputs.get(name):
            yield name, "nothing was given, every target type but lambda needs it"


FIELDS = {
    "hostHeader": "host-header",
    "httpHeader": "http-header",
    "httpRequestMethod": "http-request-method",
    "pathPattern": "path-pattern",
    "queryStrings": "query-string",
    "sourceIp": "source-ip",
}


def _rule(inputs: Inputs) -> Inputs:
    for condition in inputs.get("conditions") or ():
        for block, field in FIELDS.items():
            if isinstance(condition, dict) and condition.get(block):
                condition["field"] = field
    if inputs.get("priority") is None:
        # AWS gives the next free number, which would depend on the order of registration.
        inputs["priority"] = 50000
    return inputs


def _https(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if inputs.get("protocol") in ("HTTPS", "TLS"):
        certificate = inputs.get("certificateArn")
        if not certificate and not isinstance(certificate, Unknown):
            yield "certificateArn", f"nothing was given, {inputs['protocol']} needs a certificate"
    elif inputs.get("certificateArn"):
        yield "certificateArn", f"given, but {inputs.get('protocol')} takes no certificate"


def _actions(property: str) -> dict[str, str]:
    return {
        f"{property}.forward.targetGroups.arn": "TargetGroupArn",
        f"{property}.forward.stickiness": "TargetGroupStickinessConfig",
        f"{property}.forward.stickiness.duration": "DurationSeconds",
        f"{property}.jwtValidation": "JwtValidationConfig",
    }


ENTRIES = {
    "LoadBalancer": Entry(
        service="elbv2",
        operation="CreateLoadBalancer",
        kind="LoadBalancer",
        answer="LoadBalancers.0",
        ignore={
            "namePrefix": "it became the name",
            "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic": (
                "told by SetSecurityGroups, for network load balancers only"
            ),
            "subnetMappings.outpostId": "what AWS answers",
            "minimumLoadBalancerCapacity": "told by ModifyCapacityReservation",
        },
        rename={"loadBalancerType": "Type"},
        prepare=_load_balancer,
        limits={"idleTimeout": range(1, 4001), "clientKeepAlive": range(60, 604801)},
        then=(
            Call(
                operation="ModifyLoadBalancerAttributes",
                lift={"accessLogs": "", "connectionLogs": ""},
                rename=_attributes(LOAD_BALANCER),
                fixed={"LoadBalancerArn": "{LoadBalancerArn}"},
            ),
            # The provider sends all in one call; moto would refuse it for these.
            Call(
                operation="ModifyLoadBalancerAttributes",
                lift={"healthCheckLogs": ""},
                rename=_attributes(HEALTH_CHECK_LOGS),
                fixed={"LoadBalancerArn": "{LoadBalancerArn}"},
                shadow="moto knows no bucket for the logs of health checks",
            ),
        ),
        id="{LoadBalancerArn}",
        outputs={
            "arn": "{LoadBalancerArn}",
            "arnSuffix": _suffix("LoadBalancer"),
            "dnsName": "{DNSName}",
            "zoneId": "{CanonicalHostedZoneId}",
            "loadBalancerType": "{Type}",
        },
    ),
    "TargetGroup": Entry(
        service="elbv2",
        operation="CreateTargetGroup",
        kind="TargetGroup",
        answer="TargetGroups.0",
        lift={"healthCheck": "HealthCheck"},
        rename={
            "healthCheck.interval": "HealthCheckIntervalSeconds",
            "healthCheck.timeout": "HealthCheckTimeoutSeconds",
            "healthCheck.healthyThreshold": "HealthyThresholdCount",
            "healthCheck.unhealthyThreshold": "UnhealthyThresholdCount",
            "healthCheck.matcher": "Matcher.HttpCode",
        },
        ignore={"namePrefix": "it became the name"},
        prepare=_target_group,
        rules=(_health_check, _target),
        limits={
            "deregistrationDelay": range(3601),
            "slowStart": (0, *range(30, 901)),
            "stickiness.cookieDuration": range(1, 604801),
        },
        then=(
            Call(
                operation="ModifyTargetGroupAttributes",
                lift={
                    "stickiness": "",
                    "targetFailovers": "",
                    "targetHealthStates": "",
                    "targetGroupHealth": "",
                    "targetGroupHealth.dnsFailover": "",
                    "targetGroupHealth.unhealthyStateRouting": "",
                },
                rename=_attributes(TARGET_GROUP),
                fixed={"TargetGroupArn": "{TargetGroupArn}"},
            ),
        ),
        id="{TargetGroupArn}",
        outputs={"arn": "{TargetGroupArn}", "arnSuffix": _suffix("TargetGroup")},
    ),
    "Listener": Entry(
        service="elbv2",
        operation="CreateListener",
        kind="Listener",
        answer="Listeners.0",
        rename={
            "certificateArn": "Certificates[].CertificateArn",
            "mutualAuthentication.advertiseTrustStoreCaNames": "AdvertiseTrustStoreCaNames",
            **_actions("defaultActions"),
        },
        rules=(_https,),
        then=(
            Call(
                operation="ModifyListenerAttributes",
                rename=_attributes(LISTENER),
                fixed={"ListenerArn": "{ListenerArn}"},
            ),
        ),
        id="{ListenerArn}",
    ),
    "ListenerRule": Entry(
        service="elbv2",
        operation="CreateRule",
        kind="Rule",
        answer="Rules.0",
        rename={
            "conditions.queryStrings": "QueryStringConfig.Values",
            **_actions("actions"),
        },
        prepare=_rule,
        id="{RuleArn}",
    ),
    "ListenerCertificate": Entry(
        service="elbv2",
        operation="AddListenerCertificates",
        rename={"certificateArn": "Certificates[].CertificateArn"},
        id="{listenerArn}_{certificateArn}",
    ),
}
