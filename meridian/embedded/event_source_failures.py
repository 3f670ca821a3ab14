"""What an event source mapping leaves at its OnFailure destination, in the form of the Lambda Developer Guide.

A bucket gets the whole invocation as ``payload``; a queue or a topic gets only where the records are.
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from meridian.embedded.internals import find, require
from meridian.embedded.services import region

if TYPE_CHECKING:
    from meridian.embedded.event_source_delivery import Lost
    from meridian.embedded.settings import Settings

CREDENTIALS = "ministack.core.lambda_runtime:execution_credentials"
log = logging.getLogger(__name__)


class FailureDestinations:
    """Puts lost batches where their mapping says, with the permissions of its function's role."""

    def __init__(self, settings: Settings) -> None:
        require("", CREDENTIALS)
        self._endpoint_url = settings.endpoint_url
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._making = threading.Lock()

    def send(self, mapping: dict[str, Any], function: dict[str, Any], shard: str, lost: Lost) -> bool:
        """Whether the records are now at the destination; there may be none, or it may refuse them."""
        destination = mapping["DestinationConfig"].get("OnFailure", {}).get("Destination")
        if not destination:
            return False
        try:
            client = self._client(destination.split(":")[2], function)
            _put(client, destination, _key(mapping["UUID"], shard), _document(mapping, function, shard, lost), lost)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with a destination, the shard goes on
            log.warning("Mapping %s cannot write to %s: %s", mapping["UUID"], destination, error)
            return False
        return True

    def _client(self, service: str, function: dict[str, Any]) -> Any:
        import boto3

        credentials = find(CREDENTIALS)(function)
        wanted = (service, region(), credentials["AWS_ACCESS_KEY_ID"])
        with self._making:
            if wanted not in self._clients:
                self._clients[wanted] = boto3.client(
                    service,  # type: ignore[call-overload]  # the service is a variable
                    region_name=region(),
                    endpoint_url=self._endpoint_url,
                    aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
                    aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
                    aws_session_token=credentials["AWS_SESSION_TOKEN"] or None,
                )
            return self._clients[wanted]


def _put(client: Any, destination: str, key: str, document: dict[str, Any], lost: Lost) -> None:
    service, name = destination.split(":")[2], destination.rpartition(":")[2]
    if service == "s3":
        payload = json.dumps({"Records": [record.event for record in lost.records]})
        client.put_object(Bucket=name, Key=key, Body=json.dumps(document | {"payload": payload}))
    elif service == "sqs":
        queue = client.get_queue_url(QueueName=name)["QueueUrl"]
        client.send_message(QueueUrl=queue, MessageBody=json.dumps(document))
    else:
        client.publish(TopicArn=destination, Message=json.dumps(document))


def _key(mapping: str, shard: str) -> str:
    now = datetime.now(UTC)
    return f"aws/lambda/{mapping}/{shard}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


def _document(mapping: dict[str, Any], function: dict[str, Any], shard: str, lost: Lost) -> dict[str, Any]:
    stream = mapping["EventSourceArn"]
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": mapping["FunctionArn"],
            "condition": lost.condition,
            "approximateInvokeCount": lost.invocations,
        }
    }
    if lost.answer is not None:
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": function.get("Version", "$LATEST"),
            **({"functionError": "Unhandled"} if lost.answer.failed else {}),
        }
    kind = "KinesisBatchInfo" if ":kinesis:" in stream else "DDBStreamBatchInfo"
    return document | {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        kind: {
            "shardId": shard,
            "startSequenceNumber": lost.records[0].sequence,
            "endSequenceNumber": lost.records[-1].sequence,
            "approximateArrivalOfFirstRecord": as_time(lost.records[0].created),
            "approximateArrivalOfLastRecord": as_time(lost.records[-1].created),
            "batchSize": len(lost.records),
            "streamArn": stream,
        },
    }


def as_time(seconds: float) -> str:
    """A time as Lambda writes it: UTC, Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="auto").replace("+00:00", "Z")
