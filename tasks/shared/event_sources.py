"""What is asked of the event source mappings: how Lambda reads a stream for a processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.shared import names

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef

    from tasks.shared.clients import Clients


def mappings(aws: Clients, region: str, table: str, processor: str) -> list[EventSourceMappingConfigurationTypeDef]:
    """The mappings of a processor in ``region``, by UUID; none where the function is not there."""
    lambda_ = aws.lambda_(region)
    function = names.processor_function(table, processor)
    try:
        found = lambda_.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    except lambda_.exceptions.ResourceNotFoundException:
        return []
    return sorted(found, key=lambda mapping: mapping["UUID"])
