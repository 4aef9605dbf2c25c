"""Amazon API Gateway v2: HTTP and WebSocket APIs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.catalogue.entry import Entry, Inputs, Scope

ZONES = {
    "us-east-1": "Z1UJRXOUMOOFQ8",
    "us-east-2": "ZOJJZC49E0EPZ",
    "us-west-1": "Z2MUQ32089INYE",
    "us-west-2": "Z2OJLYMUO9EFXC",
    "eu-west-1": "ZLY8HYME6SFDD",
    "eu-central-1": "Z1U9ULNL0V5AJ3",
}
"""The Route 53 zones of the regional endpoints, for alias records.

https://docs.aws.amazon.com/general/latest/gr/apigateway.html
"""

ROUTE = r"(ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /\S*"


def _cors(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html"""
    cors = inputs.get("corsConfiguration")
    if not isinstance(cors, Mapping):
        return
    if inputs.get("protocolType") == "WEBSOCKET":
        yield "corsConfiguration", "given, but a WebSocket API takes none"
    for name in ("allowOrigins", "allowMethods", "allowHeaders"):
        if cors.get("allowCredentials") and "*" in (cors.get(name) or ()):
            yield f"corsConfiguration.{name}", "* given, allowCredentials needs them by name"


def _selected(inputs: Inputs) -> Iterator[tuple[str, str]]:
    selection = inputs.get("routeSelectionExpression")
    if inputs.get("protocolType") == "WEBSOCKET" and not selection:
        where = "routeSelectionExpression"
        yield where, "nothing was given, a WebSocket API needs one, such as $request.body.action"


def _integration(inputs: Inputs) -> Inputs:
    mapped = inputs.get("responseParameters")
    if isinstance(mapped, list):
        inputs["responseParameters"] = {
            str(one.get("statusCode")): one.get("mappings") for one in mapped
        }
    return inputs


def _target(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-private.html"""
    kind, uri = inputs.get("integrationType"), inputs.get("integrationUri")
    if inputs.get("connectionType") == "VPC_LINK":
        if not inputs.get("connectionId"):
            yield "connectionId", "nothing was given, VPC_LINK needs the id of a VPC link"
        if kind not in ("HTTP_PROXY", "HTTP"):
            yield "integrationType", f"{kind} given, a VPC link takes HTTP_PROXY"
    elif inputs.get("connectionId"):
        yield "connectionType", "nothing was given, a connectionId needs VPC_LINK"
    elif kind in ("HTTP_PROXY", "HTTP") and isinstance(uri, str) and not uri.startswith("http"):
        yield "integrationUri", f'"{uri}" given, without a VPC link a URL is needed'
    if kind in ("HTTP_PROXY", "HTTP") and not inputs.get("integrationMethod"):
        yield "integrationMethod", f"nothing was given, {kind} needs one, such as ANY"
    if inputs.get("payloadFormatVersion") == "2.0" and kind != "AWS_PROXY":
        yield "payloadFormatVersion", f"2.0 given, {kind} takes 1.0"


def _route(inputs: Inputs) -> Inputs:
    parameters = inputs.get("requestParameters")
    if isinstance(parameters, list):
        inputs["requestParameters"] = {
            str(one.get("requestParameterKey")): {"required": one.get("required")}
            for one in parameters
        }
    return inputs


def _routed(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html"""
    key = inputs.get("routeKey")
    # A WebSocket API has a word instead, and the route does not say which it belongs to.
    if isinstance(key, str) and re.search(r"[\s/]", key) and not re.fullmatch(ROUTE, key):
        yield "routeKey", f'"{key}" given, a method and a path are needed: GET /jobs'
    kind = inputs.get("authorizationType")
    if kind in ("JWT", "CUSTOM") and not inputs.get("authorizerId"):
        yield "authorizerId", f"nothing was given, {kind} needs one"
    target = inputs.get("target")
    if isinstance(target, str) and not target.startswith("integrations/"):
        yield "target", f'"{target}" given, it starts with integrations/'


def _stage(inputs: Inputs) -> Inputs:
    settings = inputs.get("routeSettings")
    if isinstance(settings, list):
        inputs["routeSettings"] = {str(one.pop("routeKey", "")): one for one in settings}
    return inputs


def _look_up_api(making: Any) -> None:
    """Keep what the stage's API is, which decides the URL."""
    request = {"ApiId": making.inputs.get("apiId")}
    api = making.account.call("apigatewayv2", making.region, "GetApi", request)
    making.answers.append({"Api": api})


def _url(scope: Scope) -> str:
    name = scope.find("name")
    region, api = scope.find("region"), scope.find("apiId")
    host = f"{api}.execute-api.{region}.amazonaws.com"
    if scope.find("Api.ProtocolType") == "WEBSOCKET":
        return f"wss://{host}/{name}"
    return f"https://{host}/{'' if name == '$default' else name}"


def _endpoint(scope: Scope) -> str:
    scheme = "wss" if scope.find("protocolType") == "WEBSOCKET" else "https"
    return f"{scheme}://{scope.find('ApiId')}.execute-api.{scope.find('region')}.amazonaws.com"


def _domain(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/domainnames.html"""
    block = inputs.get("domainNameConfiguration")
    if not isinstance(block, Mapping):
        return
    for name, wanted in (("endpointType", "REGIONAL"), ("securityPolicy", "TLS_1_2")):
        # What is neither the API's model refuses itself.
        if block.get(name) in ("EDGE", "TLS_1_0"):
            yield f"domainNameConfiguration.{name}", f"{block[name]} given, {wanted} is needed"
    arn = block.get("certificateArn")
    region = arn.split(":")[3] if isinstance(arn, str) and ":acm:" in arn else inputs["region"]
    if region != inputs["region"]:
        path = "domainNameConfiguration.certificateArn"
        yield path, f"a certificate of {region}, one of {inputs['region']} is needed"


def _regional(scope: Scope) -> dict[str, Any]:
    given, region = scope.find("domainNameConfiguration"), scope.find("region")
    block = dict(given) if isinstance(given, Mapping) else {}
    host = f"d-{str(scope.find('hex16'))[:10]}.execute-api.{region}.amazonaws.com"
    return block | {"targetDomainName": host, "hostedZoneId": ZONES.get(region, "")}


ENTRIES = {
    "Api": Entry(
        service="apigatewayv2",
        operation="CreateApi",
        rules=(_cors, _selected),
        id="{ApiId}",
        outputs={
            "arn": "arn:aws:apigateway:{region}::/apis/{ApiId}",
            "apiEndpoint": _endpoint,
            "executionArn": "arn:aws:execute-api:{region}:{account}:{ApiId}",
        },
    ),
    "VpcLink": Entry(
        service="apigatewayv2",
        operation="CreateVpcLink",
        id="{VpcLinkId}",
        outputs={"arn": "arn:aws:apigateway:{region}::/vpclinks/{VpcLinkId}"},
    ),
    "Integration": Entry(
        service="apigatewayv2",
        operation="CreateIntegration",
        rename={"timeoutMilliseconds": "TimeoutInMillis"},
        prepare=_integration,
        rules=(_target,),
        id="{IntegrationId}",
    ),
    "Route": Entry(
        service="apigatewayv2",
        operation="CreateRoute",
        prepare=_route,
        rules=(_routed,),
        id="{RouteId}",
    ),
    "Stage": Entry(
        service="apigatewayv2",
        operation="CreateStage",
        kind="Stage",
        prepare=_stage,
        then=(_look_up_api,),
        id="{name}",
        outputs={
            "arn": "arn:aws:apigateway:{region}::/apis/{apiId}/stages/{name}",
            "executionArn": "arn:aws:execute-api:{region}:{account}:{apiId}/{name}",
            "invokeUrl": _url,
        },
    ),
    "DomainName": Entry(
        service="apigatewayv2",
        operation="CreateDomainName",
        ignore={"domainNameConfiguration.targetDomainName": "what AWS answers"},
        rules=(_domain,),
        id="{domainName}",
        outputs={
            "arn": "arn:aws:apigateway:{region}::/domainnames/{domainName}",
            "apiMappingSelectionExpression": lambda _: "$request.basepath",
            "domainNameConfiguration": _regional,
        },
    ),
    "ApiMapping": Entry(
        service="apigatewayv2",
        operation="CreateApiMapping",
        id="{ApiMappingId}",
    ),
}
