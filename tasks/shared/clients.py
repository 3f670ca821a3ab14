"""boto3 clients, one a service and Region, and a record of the calls that changed something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tasks.shared.resources import resource

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

READS = ("BatchGet", "Describe", "Get", "Head", "List", "Query", "Scan")

# A call that hangs ends before the shortest task does, so that its own error arrives. More tries are the state's Retry.
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, ATTEMPTS = 3, 10, 2
INVOKE_TIMEOUT_SECONDS = 150  # a processor has 120 (tasks/shared/region_parameters.py), and is not to be called twice


class Clients:
    """Makes and keeps clients. A Region's resources take only that Region's own client."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Any] = {}
        self.changes: list[dict[str, str]] = []

    def cloudformation(self, region: str) -> CloudFormationClient:
        return cast("CloudFormationClient", self.client("cloudformation", region))

    def cloudwatch(self, region: str) -> CloudWatchClient:
        return cast("CloudWatchClient", self.client("cloudwatch", region))

    def dynamodb(self, region: str) -> DynamoDBClient:
        return cast("DynamoDBClient", self.client("dynamodb", region))

    def ec2(self, region: str) -> EC2Client:
        return cast("EC2Client", self.client("ec2", region))

    def kinesis(self, region: str) -> KinesisClient:
        return cast("KinesisClient", self.client("kinesis", region))

    def lambda_(self, region: str) -> LambdaClient:
        return cast("LambdaClient", self.client("lambda", region))

    def s3(self, region: str) -> S3Client:
        return cast("S3Client", self.client("s3", region))

    def scheduler(self, region: str) -> EventBridgeSchedulerClient:
        return cast("EventBridgeSchedulerClient", self.client("scheduler", region))

    def sqs(self, region: str) -> SQSClient:
        return cast("SQSClient", self.client("sqs", region))

    def ssm(self, region: str) -> SSMClient:
        return cast("SSMClient", self.client("ssm", region))

    def step_functions(self, region: str) -> SFNClient:
        return cast("SFNClient", self.client("stepfunctions", region))

    def sts(self, region: str) -> STSClient:
        return cast("STSClient", self.client("sts", region))

    def client(self, service: str, region: str) -> Any:
        """Client of ``service`` in ``region``; calls that change something are noted in ``changes``."""
        if (service, region) not in self._clients:
            made = self.make(service, region)
            made.meta.events.register("before-parameter-build.*.*", self._name)
            made.meta.events.register("after-call.*.*", self._note)
            self._clients[service, region] = made
        return self._clients[service, region]

    def make(self, service: str, region: str) -> Any:
        import boto3  # late: it costs 130 ms, which the refusal of a bad request need not pay
        from botocore.config import Config

        invokes = service == "lambda"
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=INVOKE_TIMEOUT_SECONDS if invokes else READ_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 1 if invokes else ATTEMPTS},
        )
        return boto3.client(service, region_name=region, config=config)  # type: ignore[call-overload]  # the service is a variable

    def _name(self, *, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["meridian_resource"] = resource(params)  # the context goes with the call, to its end

    def _note(self, *, model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        region, metadata = context["client_region"], parsed.setdefault("ResponseMetadata", {})
        metadata["Region"] = region  # an error carries its answer, and so knows where it came from
        if not model.name.startswith(READS) and "Error" not in parsed:
            change = {"operation": model.name, "region": region, "request_id": metadata.get("RequestId", "")}
            self.changes.append({**change, "resource": context["meridian_resource"]})
