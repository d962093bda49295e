"""Example answers for the OpenAPI page."""

from typing import Any

from service.schemas import PROBABILITY_DIGITS

_AUDIO = {
    "duration_s": 30.0,
    "sample_rate_hz": 44100,
    "channels": 2,
    "format": "mp3",
    "warnings": ["clipped: many samples sit at full scale, the recording was too loud"],
}
_GENRES = (
    ("blues", 0.71),
    ("rock", 0.12),
    ("jazz", 0.06),
    ("country", 0.04),
    ("reggae", 0.02),
    ("pop", 0.02),
    ("disco", 0.01),
    ("hiphop", 0.01),
    ("metal", 0.006),
    ("classical", 0.004),
)


def _result(task: str, probabilities: dict[str, float], **more: object) -> dict[str, Any]:
    label, confidence = next(iter(probabilities.items()))
    return {
        "task": task,
        "label": label,
        "confidence": round(confidence, PROBABILITY_DIGITS),
        "probabilities": probabilities,
        "uncertain": False,
        **more,
        "model": {"name": task, "version": "1.0.0", "sha256": "9f86d081884c7d65…"},
    }


_RESULTS = {
    "genre": _result("genre", dict(_GENRES)),
    "chord": _result("chord", {"Am": 0.94, "C": 0.04, "F": 0.02}),
    "emotion": _result("emotion", {"happy": 0.83, "sad": 0.17}, ratings={"energy": 0.64}),
}

LAB_ANSWER = "0.000\t1.858\tA:min\n1.858\t3.947\tF:maj\n3.947\t6.037\tC:maj\n"
ALL_ANSWERS: dict[str, Any] = {"audio": _AUDIO, "results": _RESULTS}
TASK_ANSWERS: dict[str, Any] = {
    task: {"summary": f"{task} of a 30 s MP3", "value": {**result, "audio": _AUDIO}}
    for task, result in _RESULTS.items()
}
