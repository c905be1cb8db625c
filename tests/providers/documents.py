"""The providers' own documents as judges of what an adapter asks and of what the sandbox answers.

The documents are not part of the product: the environment variable PROVIDER_SPECS names the folder that has them.
Requests are judged strictly (a field that is not documented is a fault), answers as leniently as adapters read them.
"""

import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from openapi_schema_validator import OAS30Validator

FOLDER = os.environ.get("PROVIDER_SPECS", "")
# By code: under which addresses of the sandbox which document holds, with the server that the document names.
DOCUMENTS = {
    "adyen": {
        "/adyen/btl/v4": ("adyen/transfers-v4.json", "https://balanceplatform-api-test.adyen.com/btl/v4"),
        "/adyen/bcl/v2": ("adyen/balanceplatform-v2.json", "https://balanceplatform-api-test.adyen.com/bcl/v2"),
    },
    "hyperswitch": {
        "/hyperswitch/payouts": ("hyperswitch/payouts-v1.json", "https://sandbox.hyperswitch.io/payouts"),
    },
    "paypal": {"/paypal/v1/payments": ("paypal/payouts-batch-v1.json", "https://api-m.sandbox.paypal.com/v1/payments")},
    "stripe": {"/stripe/v2": ("stripe/v2-money-management-2025-12-15.preview.json", "https://api.stripe.com/v2")},
}
# Addresses that no document at hand describes.
UNDESCRIBED = {"paypal": ("/paypal/v1/oauth2", "/paypal/v1/reporting")}
WEBHOOKS = {"adyen": "adyen/webhooks-transfer-v4.json", "hyperswitch": "hyperswitch/payouts-v1.json"}
# Whose document has a webhook's body only among its schemas; it is judged as a question at an address of our own.
WEBHOOKS_AS_QUESTIONS = {"hyperswitch"}
# Who documents the envelope of a webhook and what lies in it, but not the two together.
ENVELOPES = {"paypal": (("paypal/webhooks-v1.json", "event"), ("paypal/payouts-batch-v1.json", "payout_item-2"))}
# Who describes webhooks by schemas alone: all of these hold for one, besides that of its own kind.
EVENT_SCHEMAS = {"stripe": ["v2.core.event"]}
FETCHED = {"data", "changes"}  # are there when such an event is fetched, not when it is sent
# What any server may answer though no document says so.
ANYBODY = {404, 429, 503}


@cache
def document(name: str, *, strict: bool) -> OpenAPI:
    policy = {"additional_properties_default_policy": "forbid"} if strict else {}
    read = json.loads((Path(FOLDER) / name).read_text())
    for told in read.get("webhooks", {}).values():
        told["post"].pop("security", None)  # how a webhook proves itself is the adapters' own test
    for operations in read.get("paths", {}).values():
        for operation in operations.values():
            _as_it_is_meant(operation)
    if name.startswith("hyperswitch/"):
        _mend_hyperswitch(read)
    return OpenAPI.from_dict(read, config=Config(spec_validator_cls=None, **policy))


def _as_it_is_meant(operation: dict) -> None:
    """Take out of Stripe's document what nothing can be held against.

    It lists "one of" its errors and the general one, which every one of them is as well; and an array in the
    query, which nobody asks for, in a style that cannot be read.
    """
    parameters = operation.get("parameters", [])
    operation["parameters"] = [one for one in parameters if one.get("style") != "deepObject"]
    schema = operation["responses"].get("default", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if "oneOf" in schema:
        schema["anyOf"] = schema.pop("oneOf")


def _mend_hyperswitch(read: dict) -> None:
    """Where the document cannot be meant as it is written; and what it says only among its schemas."""
    schemas = read["components"]["schemas"]
    # No BIC is needed within SEPA, and the server declares it optional.
    schemas["SepaBankTransfer"]["required"].remove("bic")
    # Whatever the merchant wants.
    schemas["PayoutsCreateRequest"]["properties"]["metadata"]["additionalProperties"] = True
    # Two parts that forbid each other's fields when judged strictly: as one object.
    _, fields = schemas["PayoutListFilterConstraints"]["allOf"]
    fields["required"] += schemas["TimeRange"]["required"]
    fields["properties"] |= schemas["TimeRange"]["properties"]
    schemas["PayoutListFilterConstraints"] = fields
    # It names parts that have no name.
    del schemas["OutgoingWebhookContent"]["discriminator"]
    # What any error looks like, of which it says nothing where one is answered.
    refused = {"description": "Refused", "content": _json_of("GenericErrorResponseOpenApi")}
    for operations in read["paths"].values():
        for operation in operations.values():
            operation["responses"] |= dict.fromkeys(("400", "401", "404", "422", "500"), refused)
    told = {"requestBody": {"content": _json_of("OutgoingWebhook")}, "responses": {"200": {"description": "Kept"}}}
    read["paths"]["/webhook"] = {"post": told}


def _json_of(schema: str) -> dict:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


@dataclass
class Judge(httpx.BaseTransport):
    """Sends what it is given, and keeps what was wrong with question or answer by the documents of `code`."""

    code: str
    faults: list[str] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._wire = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._wire.handle_request(request)
        body = response.read()
        if request.url.path.startswith(UNDESCRIBED.get(self.code, ())):
            return httpx.Response(response.status_code, headers=response.headers, content=body)
        prefix, (name, server) = self._place(request.url.path)
        question = MockRequest(
            server.rpartition(prefix.partition(f"/{self.code}")[2])[0],
            request.method.lower(),
            prefix.partition(f"/{self.code}")[2] + request.url.path.removeprefix(prefix),
            args=dict(parse_qsl(request.url.query.decode())),
            headers=dict(request.headers),
            data=request.content or None,
            content_type=request.headers.get("content-type", ""),
        )
        answer = MockResponse(body, response.status_code, dict(response.headers), response.headers["content-type"])
        label = f"{request.method} {request.url.path} {response.status_code}"
        self.judged.append(label)
        self._try(f"{label}: request", lambda: document(name, strict=True).validate_request(question))
        if response.status_code not in ANYBODY:
            self._try(f"{label}: answer", lambda: document(name, strict=False).validate_response(question, answer))
        return httpx.Response(response.status_code, headers=response.headers, content=body)

    def _place(self, path: str) -> tuple[str, tuple[str, str]]:
        return next((prefix, place) for prefix, place in DOCUMENTS[self.code].items() if path.startswith(prefix))

    def _try(self, what: str, check) -> None:
        try:
            check()
        except OpenAPIError as error:
            self.faults.append(f"{what}: {error} {getattr(error.__cause__, 'schema_errors', error.__cause__)}")


@dataclass
class Told:
    """A webhook as openapi-core wants to be handed one."""

    name: str
    body: bytes
    method: str = "post"
    content_type: str = "application/json"
    parameters: RequestParameters = field(default_factory=RequestParameters)


def fault_of_webhook(code: str, kind: str, body: bytes) -> str:
    """What the provider's document has against a webhook; empty if nothing."""
    if code in ENVELOPES:
        return _fault_inside(json.loads(body), *ENVELOPES[code])
    if code in EVENT_SCHEMAS:
        return _fault_by_schemas(code, kind, body)
    judge = document(WEBHOOKS[code], strict=False)
    try:
        if code in WEBHOOKS_AS_QUESTIONS:
            server = next(iter(DOCUMENTS[code].values()))[1].rpartition("/")[0]
            judge.validate_request(MockRequest(server, "post", "/webhook", data=body, content_type="application/json"))
        else:
            judge.validate_webhook_request(Told(kind, body))
    except OpenAPIError as error:
        return f"{kind}: {error} {getattr(error.__cause__, 'schema_errors', error.__cause__)}"
    return ""


def _fault_inside(event: dict, envelope: tuple[str, str], resource: tuple[str, str]) -> str:
    faults = []
    for part, (name, schema) in ((event, envelope), (event["resource"], resource)):
        components = json.loads((Path(FOLDER) / name).read_text())["components"]
        judge = OAS30Validator({"allOf": [{"$ref": f"#/components/schemas/{schema}"}], "components": components})
        faults += [f"{schema}: {error.message}" for error in judge.iter_errors(part)]
    return "; ".join(faults)


def _fault_by_schemas(code: str, kind: str, body: bytes) -> str:
    ((name, _server),) = DOCUMENTS[code].values()
    schemas = json.loads((Path(FOLDER) / name).read_text())["components"]["schemas"]
    faults = []
    for name in [*EVENT_SCHEMAS[code], kind]:
        needed = [one for one in schemas[name]["required"] if one not in FETCHED]
        validator = OAS30Validator(schemas[name] | {"required": needed})
        faults += [f"{name}: {error.message}" for error in validator.iter_errors(json.loads(body))]
    return "; ".join(faults)
