import base64
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings, variable

KEYS = Path(__file__).with_name("keys.txt")
PUBLIC_KEY = base64.b64encode(b"Ed" + bytes(range(40))).decode()


def test_defaults_are_usable_and_listen_to_this_machine_only() -> None:
    settings = Settings()

    assert settings.host == "127.0.0.1"
    assert settings.tasks == ("genre", "chord", "emotion")
    assert settings.models_dir == Path("models")


def test_there_are_as_many_workers_as_cores_that_the_process_may_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {1, 5, 7}, raising=False)
    assert Settings().workers == 3


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("host", "0.0.0.0", "0.0.0.0"),  # noqa: S104  # only read, never listened on
        ("host", "[::1]", "::1"),
        ("port", "9000", 9000),
        ("root_path", "/our/music", "/our/music"),
        ("models_dir", "elsewhere/models", Path("elsewhere/models")),
        ("tasks", "genre, tempo", ("genre", "tempo")),
        ("tasks", "genre tempo", ("genre", "tempo")),
        ("tasks", "", ()),
        ("ready_when", "any", "any"),
        ("max_upload_bytes", "1000", 1000),
        ("min_duration_s", "0.5", 0.5),
        ("max_duration_s", "60", 60.0),
        ("max_channels", "2", 2),
        ("max_sample_rate_hz", "96000", 96_000),
        ("formats", "wav, mp3", ("wav", "mp3")),
        ("workers", "7", 7),
        ("queue_size", "0", 0),
        ("deadline_s", "1.5", 1.5),
        ("min_upload_bytes_per_s", "0", 0),
        ("max_uploads_per_client", "4", 4),
        ("rate_limit_per_minute", "0.5", 0.5),
        ("rate_limit_burst", "3", 3),
        ("models_public_key", PUBLIC_KEY, PUBLIC_KEY),
        ("log_client", "address", "address"),
        ("trusted_proxies", "10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
        ("trusted_proxies", "*", ("*",)),
        ("max_connections", "64", 64),
        ("header_timeout_s", "2.5", 2.5),
        ("shutdown_delay_s", "0", 0.0),
        ("api_keys_file", str(KEYS), KEYS),
        ("api_keys_file", "", None),
        ("max_uploads_per_client", "", None),
        ("rate_limit_per_minute", "", None),
        ("max_streams_per_client", "", None),
        ("stream_workers", "", None),
        ("models_public_key", "", None),
        ("cors_origins", "https://a.example http://b:80", ("https://a.example", "http://b:80")),
        ("cors_origins", "*", ("*",)),
        ("log_level", "warning", "warning"),
        ("log_level", "INFO", "info"),
        ("log_format", "JSON", "json"),
        ("log_format", "text", "text"),
    ],
)
def test_every_setting_is_read_from_the_environment(
    name: str, value: str, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SERVICE_{name.upper()}", value)
    assert getattr(Settings(), name) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", ""),
        ("port", "-1"),
        ("port", "65536"),
        ("port", "http"),
        ("ready_when", "most"),
        ("root_path", "music"),
        ("root_path", "/music/"),
        ("root_path", "/"),
        ("root_path", "//evil.example"),
        ("max_upload_bytes", "0"),
        ("min_duration_s", "0"),
        ("min_duration_s", "nan"),
        ("max_duration_s", "-1"),
        ("max_duration_s", "inf"),
        ("max_channels", "0"),
        ("max_channels", "1025"),
        ("max_sample_rate_hz", "3999"),
        ("max_sample_rate_hz", "1000001"),
        ("formats", ""),
        ("formats", "wav, midi"),
        ("workers", "0"),
        ("workers", "1000000"),
        ("stream_workers", "0"),
        ("stream_workers", "1000000"),
        ("queue_size", "-1"),
        ("deadline_s", "0"),
        ("deadline_s", "inf"),
        ("min_upload_bytes_per_s", "-1"),
        ("max_uploads_per_client", "0"),
        ("rate_limit_per_minute", "0"),
        ("rate_limit_per_minute", "inf"),
        ("rate_limit_burst", "0"),
        ("models_public_key", "no key"),
        ("models_public_key", PUBLIC_KEY[:-4]),
        ("log_client", "name"),
        ("trusted_proxies", "proxy.example"),
        ("max_connections", "0"),
        ("header_timeout_s", "0"),
        ("header_timeout_s", "inf"),
        ("shutdown_delay_s", "-1"),
        ("shutdown_delay_s", "inf"),
        ("api_keys_file", "/nowhere"),
        ("api_keys_file", __file__),
        ("cors_origins", "example.org"),
        ("cors_origins", "https://example.org/"),
        ("log_level", "loud"),
        ("log_format", "xml"),
        ("log_level", "critical\ninfo"),
    ],
)
def test_an_unsafe_value_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SERVICE_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        Settings()


def test_a_minimum_above_the_maximum_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_MIN_DURATION_S", "10")
    monkeypatch.setenv("SERVICE_MAX_DURATION_S", "10")
    with pytest.raises(ValidationError, match="MIN_DURATION_S must be below"):
        Settings()


def test_a_setting_is_read_from_the_variable_that_is_named_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable("max_upload_bytes"), "7")
    assert Settings().max_upload_bytes == 7


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_settings_cannot_be_changed_while_the_service_runs() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]  # the point of the test
