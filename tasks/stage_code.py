"""Bring the processors' code, their configuration and the stack's template into one Region.

May run any number of times: keys carry the hash of their content, so nothing is written over. Makes the Region's code
bucket, which all tables share.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, TypedDict

from tasks.shared import buckets, configuration, names, region_stack
from tasks.shared.task import CODE, CODE_OBJECTS, CODE_OF_TASKS, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


class Event(TypedDict):
    table: str
    region: str
    request: Request


class Reply(TypedDict):
    """Where DeployProcessors finds what was brought."""

    code_key: str
    config_key: str
    template_url: str


@task(
    allow(
        "s3:CreateBucket",
        "s3:GetBucketTagging",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutEncryptionConfiguration",
        on=CODE,
    ),
    allow("s3:PutObject", on=CODE_OBJECTS),
    allow("s3:GetObject", on=CODE_OF_TASKS),
)
def stage_code(event: Event, aws: Clients) -> Reply:
    """Answer with the keys; ``NotOurs`` where the Region's code bucket is another's."""
    region, prefix = event["region"], names.code_prefix(event["table"])
    bucket = names.code_bucket(buckets.account(), region)
    buckets.ensure(aws, region, bucket, region_stack.CODE_TAG)

    source = f"code/{os.environ['CODE_SHA256']}.zip"
    code_key, config_key = f"{prefix}{source}", configuration.key(event["request"])
    template = region_stack.template()
    template_key = f"{prefix}template/{hashlib.sha256(template).hexdigest()}.json"
    if not buckets.holds(aws, region, bucket, code_key):
        _copy(aws, region, source, bucket, code_key)
    buckets.put(aws, region, bucket, config_key, configuration.body(event["request"]))
    buckets.put(aws, region, bucket, template_key, template)
    return {
        "code_key": code_key,
        "config_key": config_key,
        "template_url": f"{aws.s3(region).meta.endpoint_url}/{bucket}/{template_key}",
    }


def _copy(aws: Clients, region: str, source: str, bucket: str, key: str) -> None:
    owner = buckets.account()
    aws.s3(region).copy_object(
        CopySource={"Bucket": os.environ["ARTIFACT_BUCKET"], "Key": source},
        ExpectedSourceBucketOwner=owner,
        Bucket=bucket,
        Key=key,
        ExpectedBucketOwner=owner,
    )
