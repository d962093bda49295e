import pytest

from service.settings import Settings
from service.startup.environment import read_settings, settings_rows, settings_table
from service.startup.refusal import StartRefused


def refusal() -> str:
    with pytest.raises(StartRefused) as caught:
        read_settings()
    return str(caught.value)


def test_settings_that_fit_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_PORT", "9000")
    monkeypatch.setenv("service_workers", "3")
    assert read_settings() == Settings(port=9000, workers=3)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SERVICE_PORT", "http", "must be a whole number"),
        ("SERVICE_ROOT_PATH", "music", "must begin with a slash"),
        ("SERVICE_PORT", "65536", "must be at most 65535"),
        ("SERVICE_PORT", "-1", "must be at least 0"),
        ("SERVICE_WORKERS", "0", "must be more than 0"),
        ("SERVICE_WORKERS", "1000000", "16 for each available core"),
        ("SERVICE_DEADLINE_S", "soon", "must be a number"),
        ("SERVICE_DEADLINE_S", "inf", "must be a number that is not infinite"),
        ("SERVICE_FORMATS", "mp3,mp4a", "does not fit: mp4a cannot be read; choose from wav,mp3,"),
        ("SERVICE_FORMATS", "", "does not fit: none is named; choose from wav,mp3,"),
        ("SERVICE_LOG_FORMAT", "xml", "must be 'auto', 'json' or 'text'"),
        ("SERVICE_LOG_LEVEL", "loud", "must be 'debug', 'info', 'warning' or 'error'"),
        ("SERVICE_READY_WHEN", "most", "must be 'all' or 'any'"),
        ("SERVICE_TRUSTED_PROXIES", "a.example", "write an address like 10.0.0.1"),
        ("SERVICE_CORS_ORIGINS", "a.example", "write it like https://example.org"),
        ("SERVICE_API_KEYS_FILE", "/nowhere", "/nowhere cannot be read: No such file"),
    ],
)
def test_a_wrong_value_is_told_by_its_variable_in_words_for_people(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    text = refusal()

    line = next(line for line in text.splitlines() if variable in line)
    assert line.startswith(f"  {variable}={value} does not fit: ")
    assert words in line
    for of_the_validator in ("pydantic", "https://errors", "input_value", "Input should"):
        assert of_the_validator not in text


def test_settings_that_do_not_fit_together_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_MIN_DURATION_S", "10")
    monkeypatch.setenv("SERVICE_MAX_DURATION_S", "10")
    assert "  SERVICE_MIN_DURATION_S must be below SERVICE_MAX_DURATION_S\n" in refusal()


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [
        ("SERVICE_PROT", "SERVICE_PORT"),
        ("service_prot", "SERVICE_PORT"),
        ("SERVICE_MODEL_DIR", "SERVICE_MODELS_DIR"),
        ("SERVICE_WORKER", "SERVICE_WORKERS"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_name(
    unknown: str, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(unknown, "1")
    assert f"{unknown} is no setting of the service; did you mean {nearest}?" in refusal()


def test_an_unknown_variable_that_is_like_none_gets_no_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SERVICE_ZZYZX", "1")
    text = refusal()
    assert "SERVICE_ZZYZX is no setting of the service\n" in text
    assert "did you mean" not in text


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICES_PORT", "x")
    monkeypatch.setenv("MY_SERVICE_PORT", "x")
    assert read_settings() == Settings()


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SERVICE_PORT", "SERVICE_WORKERS", "SERVICE_PROT"):
        monkeypatch.setenv(variable, "x")
    text = refusal()
    assert [line.split("=")[0].split()[0] for line in text.splitlines()[1:-1]] == [
        "SERVICE_PROT",
        "SERVICE_PORT",
        "SERVICE_WORKERS",
    ]


def test_the_table_tells_each_setting_with_its_default() -> None:
    rows = {variable: default for variable, default, _ in settings_rows()}
    assert len(rows) == len(Settings.model_fields)
    assert rows["SERVICE_PORT"] == "8000"
    assert rows["SERVICE_TASKS"] == "genre,chord,emotion"
    assert rows["SERVICE_WORKERS"] == "available cores"
    assert rows["SERVICE_API_KEYS_FILE"] == "none"


def test_in_the_table_every_meaning_begins_in_the_same_column() -> None:
    rows = list(zip(settings_table().splitlines(), settings_rows(), strict=True))
    assert len({line.index(f" {meaning} [") for line, (_, _, meaning) in rows}) == 1
