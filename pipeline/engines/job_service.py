"""Ask a job service of Beam which options its runner has."""

from __future__ import annotations

import grpc
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

SECONDS = 5.0
"""How long a job service has to answer. One that is there answers in milliseconds."""
TYPES = {beam_job_api_pb2.PipelineOptionType.INTEGER: int, beam_job_api_pb2.PipelineOptionType.NUMBER: float}
"""Types of options whose values are checked; Beam sends all others on as text."""


def described_options(address: str, seconds: float = SECONDS) -> dict[str, type]:
    """Return the options that a job service lists, with the type of their values.

    Raises:
        ConnectionError: no job service answers at the address within `seconds`.
    """
    with grpc.insecure_channel(address) as channel:
        service = beam_job_api_pb2_grpc.JobServiceStub(channel)
        try:
            answer = service.DescribePipelineOptions(beam_job_api_pb2.DescribePipelineOptionsRequest(), timeout=seconds)
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() == grpc.StatusCode.UNIMPLEMENTED:
                return {}
            raise ConnectionError(
                f"--job_endpoint {address}: no job service answers within {seconds:g} s; start it, or correct it"
            ) from error
    return {f"--{option.name}": TYPES.get(option.type, str) for option in answer.options}
