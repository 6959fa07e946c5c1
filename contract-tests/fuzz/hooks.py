"""What Schemathesis does beside its configuration when it tests a Flowpact server; run.ts starts it.

- Cases name what exists: ids in paths, bodies and queries are replaced by those of the fixture, for most generated ids
  exist nowhere, and a 404 proves little about the operation behind it.
- Each request that starts something gets an `Idempotency-Key` of its own; the examples of the contract share one.
- The key that the run itself uses is left alone.
- A refusal of valid data is accepted when refusals.yaml lists the rule behind it, and counted.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import random
import re
import threading
from pathlib import Path

import schemathesis
import yaml
from schemathesis.core.jsonschema import make_validator
from schemathesis.core.parameters import ParameterLocation

HERE = Path(__file__).parent
FIXTURE = json.loads(Path(os.environ["FUZZ_FIXTURE"]).read_text(encoding="utf-8"))
NOTES = Path(os.environ["FUZZ_NOTES"])
RULES = yaml.safe_load((HERE / "refusals.yaml").read_text(encoding="utf-8"))
SHARE_OF_REAL_IDS = 0.7
# Where webhooks and `http` nodes of generated workflows lead: the server may call there, and nothing leaves the machine.
NOBODY = "http://127.0.0.1:9/"

lock = threading.Lock()
chance = random.Random(FIXTURE["seed"])
# Keys that no other run on the same server has used.
RUN = os.urandom(6).hex()
number = itertools.count(1)
met: dict[str, int] = {}
succeeded: set[str] = set()


@schemathesis.hook
def before_call(context, case, kwargs):
    meta = case.meta
    if meta is None:
        return
    with lock:
        real, chosen, key = chance.random() < SHARE_OF_REAL_IDS, chance.random(), next(number)
    # A sequence of the stateful phase has ids of its own, which it has made.
    if real and str(meta.phase.name) != "stateful":
        use_real_ids(case, meta, chosen)
    headers = case.headers or {}
    if "Idempotency-Key" in headers and not meta.is_negative_at(ParameterLocation.HEADER):
        headers["Idempotency-Key"] = f"fuzz-{RUN}-{key}"
    own = FIXTURE["ownKey"]
    if case.method.upper() != "GET" and (case.path_parameters or {}).get("api_key_id") == own:
        case.path_parameters["api_key_id"] = "key_" + "0" * 26


def use_real_ids(case, meta, chosen):
    paths = FIXTURE["paths"].get(operation_id(case), [])
    if paths and case.path_parameters and not meta.is_negative_at(ParameterLocation.PATH):
        # What deletes something takes from the last half, so that something is left for the others.
        half = len(paths) // 2
        usable = paths[half:] if case.method.upper() == "DELETE" else paths[: len(paths) - half]
        for name, value in usable[int(chosen * len(usable))].items():
            if name in case.path_parameters:
                case.path_parameters[name] = value
    if not meta.is_negative_at(ParameterLocation.QUERY):
        replace(case.query, chosen)
    if not meta.is_negative_at(ParameterLocation.BODY):
        replace(case.body, chosen)


def replace(value, chosen):
    """Puts existing ids into the properties that are named like them, at any depth."""
    if isinstance(value, dict):
        for name, member in value.items():
            ids = FIXTURE["references"].get(name)
            if ids and isinstance(member, str):
                value[name] = ids[int(chosen * len(ids))]
            elif name == "url" and isinstance(member, str):
                value[name] = NOBODY
            else:
                replace(member, chosen)
    elif isinstance(value, list):
        for member in value:
            replace(member, chosen)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if adds_headers_only(failure, case):
        return False
    rules = rules_behind(failure, case, response)
    if rules is None:
        return is_valid(failure, case)
    with lock:
        for rule in rules:
            met[rule] = met.get(rule, 0) + 1
    return False


def is_valid(failure, case):
    """Whether a body that Schemathesis calls valid is so; some of its phases overlook rules between fields."""
    if type(failure).__name__ != "RejectedPositiveData" or not isinstance(case.body, dict):
        return True
    body = case.operation.get_body_for_media_type(case.media_type)
    validator = case.operation.schema.adapter.jsonschema_validator_cls
    return body is None or make_validator(body.optimized_schema, validator).is_valid(case.body)


def adds_headers_only(failure, case):
    """Whether all that is wrong is a header that the contract does not name, which servers ignore (RFC 9110 section 5.1).

    Schemathesis knows that by itself, but not where a header that it does name holds a number: it compares the text.
    """
    if type(failure).__name__ != "AcceptedNegativeData" or case.meta is None:
        return False
    negative = {location for location, component in case.meta.components.items() if component.mode.is_negative}
    if negative != {ParameterLocation.HEADER}:
        return False
    schema = case.operation.get_parameter_set(ParameterLocation.HEADER).schema
    sent = {name.lower(): value for name, value in (case.headers or {}).items()}
    if any(name.lower() not in sent for name in schema.get("required", [])):
        return False
    validator = case.operation.schema.adapter.jsonschema_validator_cls
    declared = {name.lower(): make_validator(member, validator) for name, member in schema.get("properties", {}).items()}
    return all(name not in declared or reads_as_valid(declared[name], value) for name, value in sent.items())


def reads_as_valid(validator, text):
    try:
        return validator.is_valid(text) or validator.is_valid(json.loads(text))
    except ValueError:
        return False


@schemathesis.hook
def after_call(context, case, response):
    if 200 <= response.status_code < 300:
        with lock:
            succeeded.add(operation_id(case))


def rules_behind(failure, case, response):
    """The listed rules that explain all that a refusal says; None when any of it is explained by none."""
    if type(failure).__name__ != "RejectedPositiveData":
        return None
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return None
    complaints = error["details"].get("errors") or [{"field": "", "message": error["message"]}]
    found = []
    for complaint in complaints:
        rule = next((rule for rule in RULES if explains(rule, case, error, complaint)), None)
        if rule is None:
            return None
        found.append(rule["rule"])
    return set(found)


def explains(rule, case, error, complaint):
    return (
        (rule["operations"] == "all" or operation_id(case) in rule["operations"])
        and rule.get("code", "validation_error") == error["code"]
        and re.search(rule.get("content_type", ""), case.media_type or "") is not None
        and re.search(rule.get("field", ""), complaint["field"]) is not None
        and re.search(rule["message"], complaint["message"]) is not None
    )


def operation_id(case):
    return case.operation.definition.raw.get("operationId")


@atexit.register
def write_notes():
    NOTES.write_text(json.dumps({"rules": met, "succeeded": sorted(succeeded)}), encoding="utf-8")
