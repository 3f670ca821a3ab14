"""StageCode: the code, the configuration and the template lie in the Region, once each."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tasks.shared import configuration, names
from tasks.shared.region_stack import TEMPLATE
from tasks.stage_code import stage_code
from tests.unit.tasks.buckets import (
    CODE,
    OWNER,
    code_bucket,
    configured,
    holds,
    made,
    not_tagged,
    s3,
    tagged,
)
from tests.unit.tasks.scenarios import AWAY, ENVIRONMENT, HOME, REQUEST, TABLE, Scenario, once, play, refuse

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients

BUCKET = code_bucket()
PREFIX = names.code_prefix(TABLE)
CODE_KEY = f"{PREFIX}code/{ENVIRONMENT['CODE_SHA256']}.zip"
CONFIG_KEY = configuration.key(REQUEST)
TEMPLATE_KEY = f"{PREFIX}template/{hashlib.sha256(TEMPLATE.read_bytes()).hexdigest()}.json"
REPLY = {
    "code_key": CODE_KEY,
    "config_key": CONFIG_KEY,
    "template_url": f"https://s3.{AWAY}.amazonaws.com/{BUCKET}/{TEMPLATE_KEY}",
}


def there(key: str, *, region: str = AWAY, found: bool = True) -> Answer:
    listed = {"Contents": [{"Key": key}]} if found else {}
    return s3(region, code_bucket(region), "list_objects_v2", listed, Prefix=key, MaxKeys=1)


def copied(region: str = AWAY) -> Answer:
    source = {"Bucket": "meridian-artifacts", "Key": f"code/{ENVIRONMENT['CODE_SHA256']}.zip"}
    owner: Any = {"ExpectedSourceBucketOwner": OWNER["ExpectedBucketOwner"]}
    return s3(region, code_bucket(region), "copy_object", CopySource=source, Key=CODE_KEY, **owner)


def refused_creation(code: str) -> Answer:
    return refuse("s3", AWAY, "create_bucket", code)


def brought(region: str = AWAY) -> list[Answer]:
    """Nothing is there, and all of it comes."""
    bodies = {CONFIG_KEY: configuration.body(REQUEST), TEMPLATE_KEY: TEMPLATE.read_bytes()}
    puts = [
        answer
        for key, body in bodies.items()
        for answer in (
            there(key, region=region, found=False),
            s3(region, code_bucket(region), "put_object", Key=key, Body=body),
        )
    ]
    return [there(CODE_KEY, region=region, found=False), copied(region), *puts]


SCENARIOS = [
    Scenario(
        "A first table's code comes into a bucket that is made for it", once(), [*made(BUCKET, CODE), *brought()], REPLY
    ),
    Scenario(
        "In us-east-1 CreateBucket is told no Region",
        once(HOME),
        [*made(code_bucket(HOME), CODE, HOME), *brought(HOME)],
        {"code_key": CODE_KEY},
    ),
    Scenario(
        "What lies there already is left as it is",
        once(),
        [tagged(BUCKET, CODE), there(CODE_KEY), there(CONFIG_KEY), there(TEMPLATE_KEY)],
        REPLY,
    ),
    Scenario(
        "A bucket that a crash left without its tag, and empty, is made ours",
        once(),
        [not_tagged(BUCKET, "NoSuchTagSet"), holds(BUCKET), *configured(BUCKET, CODE), *brought()],
        REPLY,
    ),
    Scenario(
        "A bucket without a tag that holds something is left as it is",
        once(),
        [not_tagged(BUCKET, "NoSuchTagSet"), holds(BUCKET, "somebody's")],
        raises="NotOurs",
        says=[f"A bucket named {BUCKET} exists in eu-west-1", "lacks the tag meridian:stack=code"],
    ),
    Scenario(
        "A bucket with other tags is left as it is",
        once(),
        [tagged(BUCKET, {"team": "MARKED"})],
        raises="NotOurs",
        says=["left as it is"],
    ),
    Scenario(
        "A bucket of another account gets nothing",
        once(),
        [not_tagged(BUCKET, "AccessDenied")],
        raises="NotOurs",
        says=["belongs to another account", "Nothing was sent to it"],
    ),
    Scenario(
        "A name that another account took since the look is told as such",
        once(),
        [*made(BUCKET, CODE)[:1], refused_creation("BucketAlreadyExists")],
        raises="NotOurs",
        says=["BucketAlreadyExists"],
    ),
    Scenario(
        "A bucket that another execution made since the look is used",
        once(),
        [*made(BUCKET, CODE)[:1], refused_creation("BucketAlreadyOwnedByYou"), *configured(BUCKET, CODE), *brought()],
        REPLY,
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_stage_code(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(stage_code, scenario, aws)


def test_the_processors_are_told_the_request() -> None:
    """The document holds what the processors read, and not what only the workflows need."""
    document = json.loads(configuration.body(REQUEST))
    assert document == configuration.document(REQUEST)
    assert (document["table"], document["home"]) == (TABLE, HOME)
    assert set(document) == {
        *("table", "home", "key_schema", "attribute_definitions", "origin_attribute", "time_to_live", "processors"),
    }


def test_another_rule_is_another_document() -> None:
    """The key carries the hash, so that a function whose rules changed starts anew."""
    untagged: Any = {**REQUEST, "tags": {}}
    changed: Any = {**REQUEST, "processors": {**REQUEST["processors"], "changes": {"rules": []}}}
    assert configuration.key(changed) != configuration.key(REQUEST)
    assert configuration.key(untagged) == configuration.key(REQUEST)
