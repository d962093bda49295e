"""All settings of the service, read from environment variables that begin with SERVICE_."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic.functional_validators import BeforeValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.audio.formats import FORMATS
from service.audio.limits import MIN_SAMPLE_RATE_HZ, Limits
from service.cores import available_cores
from service.http.api_keys import read_keys
from service.inference.signature import PublicKey


def _split_names(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


PREFIX = "SERVICE_"
MOST_WORKERS_A_CORE = 16  # each holds a decoder process of some 40 MB, and they only share the core
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?")

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_names)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Settings of the service; each field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    host: str = Field(
        "127.0.0.1", description="Address to listen on; 0.0.0.0 for all, :: for all of IPv6"
    )
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on")
    root_path: str = Field(
        "",
        description="Path under which a proxy offers the service, like /music",
    )
    models_dir: Path = Field(Path("models"), description="Folder with one bundle per task")
    tasks: Names = Field(
        ("genre", "chord", "emotion"),
        description="Tasks that must be there; other bundles in the folder are served too",
    )
    ready_when: Literal["all", "any"] = Field(
        "all",
        description="/health/ready answers 200 when all tasks that must be there are served, or "
        "when any model is",
    )
    max_upload_bytes: int = Field(
        25 * 1024 * 1024, gt=0, description="Larger uploads are refused while they arrive"
    )
    min_duration_s: Seconds = Field(Limits.min_duration_s, description="Shorter audio is refused")
    max_duration_s: Seconds = Field(Limits.max_duration_s, description="Longer audio is refused")
    max_channels: int = Field(
        Limits.max_channels, ge=1, le=1024, description="Audio with more channels is refused"
    )
    max_sample_rate_hz: int = Field(
        Limits.max_sample_rate_hz,
        ge=MIN_SAMPLE_RATE_HZ,
        le=1_000_000,
        description="Audio with a higher sampling rate is refused",
    )
    formats: Names = Field(
        Limits.formats, description="Formats that are read; a file in any other is refused"
    )
    workers: int = Field(
        default_factory=available_cores,
        gt=0,
        description="Clips classified at the same time; by default the available cores",
    )
    queue_size: int = Field(
        32, ge=0, description="Clips that may wait for a worker, counted before they are received"
    )
    min_upload_bytes_per_s: int = Field(
        16_384,
        ge=0,
        description="A slower upload gives way when the queue is full and another request comes",
    )
    max_uploads_per_client: int | None = Field(
        None, gt=0, description="Uploads that one address may have pending; without it, any number"
    )
    rate_limit_per_minute: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Uploads and streams that one API key, or without keys one address, may begin "
        "in a minute; without it, any number",
    )
    rate_limit_burst: int = Field(
        10, gt=0, description="How many of them may come at once, before the rate holds"
    )
    trusted_proxies: Names = Field(
        ("127.0.0.1", "::1"),
        description="Proxies whose X-Forwarded-For tells the client's address; with * a client "
        "may write any",
    )
    deadline_s: Seconds = Field(
        30.0, description="Longest time from a request's head to its answer, and then to take it"
    )
    max_streams: int = Field(128, ge=0, description="Streams that are heard at the same time")
    max_streams_per_client: int | None = Field(
        None, gt=0, description="Streams that one address may have open; without it, any number"
    )
    stream_workers: int | None = Field(
        None,
        gt=0,
        description="Threads that hear streams beside the workers; without it, one for each core",
    )
    max_stream_s: Seconds = Field(
        3600.0, description="Longest time from a stream's beginning to its end, and longest audio"
    )
    max_stream_bytes_per_s: int = Field(
        1024 * 1024, gt=0, description="What comes faster over a stream has to wait"
    )
    stream_message_timeout_s: Seconds = Field(
        10.0, description="Longest time from one message of a stream's client to the next"
    )
    stream_answer_timeout_s: Seconds = Field(
        10.0, description="Longest time that a stream's client may leave an answer untaken"
    )
    max_connections: int = Field(
        1024,
        gt=0,
        description="When more are open, the one that has asked for nothing longest is closed",
    )
    header_timeout_s: Seconds = Field(
        10.0, description="Longest time for the first line and the headers of a request"
    )
    shutdown_delay_s: float = Field(
        1.0,
        ge=0,
        allow_inf_nan=False,
        description="After SIGTERM, requests are taken so long while /health/ready answers 503",
    )
    api_keys_file: Path | None = Field(
        None, description="File with the SHA-256 of an API key a line; without it, none is needed"
    )
    models_public_key: str | None = Field(
        None,
        description="Public key of minisign; with it, only bundles whose card.json.minisig fits "
        "are served",
    )
    cors_origins: Names = Field(
        (), description="Origins whose pages may use the service, like https://example.org"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Log level")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto",
        description="json, an object a line, or text for people; auto is text on a terminal",
    )
    log_client: Literal["none", "network", "address"] = Field(
        "network",
        description="How exactly the log tells where a request came from; network is a /24, or of "
        "version 6 a /48",
    )

    @field_validator(
        "max_uploads_per_client",
        "rate_limit_per_minute",
        "max_streams_per_client",
        "stream_workers",
        "api_keys_file",
        "models_public_key",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _small_letters(cls, word: object) -> object:
        return word.lower() if isinstance(word, str) else word  # INFO, as others write it

    @field_validator("host")
    @classmethod
    def _plain_address(cls, host: str) -> str:
        if not host:
            raise ValueError("must be an address, like 127.0.0.1")
        # As an address of version 6 is written before a port, and copied from there.
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host

    @field_validator("root_path")
    @classmethod
    def _below_the_root(cls, path: str) -> str:
        if not _ROOT_PATH.fullmatch(path):
            raise ValueError("must begin with a slash and end without one, like /music")
        return path

    @field_validator("workers", "stream_workers")
    @classmethod
    def _few_for_each_core(cls, workers: int | None) -> int | None:
        most = MOST_WORKERS_A_CORE * available_cores()
        if workers is not None and workers > most:
            raise ValueError(
                f"must be at most {most}, {MOST_WORKERS_A_CORE} for each available core; "
                "more are no faster"
            )
        return workers

    @field_validator("api_keys_file")
    @classmethod
    def _keys_readable(cls, file: Path | None) -> Path | None:
        if file is not None:
            read_keys(file)
        return file

    @field_validator("models_public_key")
    @classmethod
    def _key_usable(cls, key: str | None) -> str | None:
        if key is not None:
            PublicKey(key)
        return key

    @field_validator("formats")
    @classmethod
    def _formats_known(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in formats if name not in FORMATS]
        if unknown or not formats:
            wrong = f"{', '.join(unknown)} cannot be read" if unknown else "none is named"
            raise ValueError(f"{wrong}; choose from {','.join(FORMATS)}")
        return formats

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                if proxy != "*":
                    ipaddress.ip_network(proxy)
            except ValueError as error:
                raise ValueError(
                    f"{error}; write an address like 10.0.0.1 or a network like 10.0.0.0/8"
                ) from error
        return proxies

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; write it like https://example.org")
        return origins

    @model_validator(mode="after")
    def _durations_in_order(self) -> Self:
        if self.min_duration_s >= self.max_duration_s:
            raise ValueError("SERVICE_MIN_DURATION_S must be below SERVICE_MAX_DURATION_S")
        return self


def variable(field: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + field.upper()
