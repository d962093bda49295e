"""The endpoints that people come for: audio in, probabilities out."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import PlainTextResponse

from service.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    NotReady,
    Overloaded,
    TooManyBytes,
    TooManyRequests,
    TooManySeconds,
    TooManyUploads,
    UnsupportedAudio,
    UnusableAudio,
    UploadTooSlow,
)
from service.inference.timeline import lab
from service.intake.upload import REQUEST_BODY
from service.routes.dependencies import (
    Format,
    IntakeDep,
    RegistryDep,
    Timeline,
    TopK,
    problem_responses,
)
from service.routes.examples import ALL_ANSWERS, LAB_ANSWER, TASK_ANSWERS
from service.schemas import AllAnswers, TaskAnswer, audio_info, task_result
from service.telemetry.record import ALL_TASKS, record

router = APIRouter(prefix="/classify", tags=["classify"])

_UPLOAD_PROBLEMS = problem_responses(
    (UploadTooSlow, "The upload was slower than 16384 bytes/s while others had to wait."),
    (TooManyBytes, "The upload exceeds 26214400 bytes. Send a shorter clip."),
    (TooManySeconds, "The audio plays longer than 900 s. Send an excerpt."),
    (UnsupportedAudio, "The upload is an MP4/M4A (AAC) file; convert it to WAV, MP3 or FLAC."),
    (UnusableAudio, "The file holds 0.000 s of audio; at least 0.1 s are needed."),
    (InvalidRequest, "The form has no file in the field 'file'."),
    (TooManyRequests, "More than 60 requests a minute came from this client. Try again in 1 s."),
    (TooManyUploads, "4 uploads from this address are pending. Wait for their answers."),
    (Overloaded, "All workers are busy and 34 clips are pending."),
    (NotReady, "The genre model is still loading."),
    (DeadlineExceeded, "No answer within 30 s."),
)


@router.post(
    "",
    operation_id="classify_all",
    summary="Classify a clip for all tasks at once",
    response_model_exclude_none=True,
    responses={
        200: {"content": {"application/json": {"example": ALL_ANSWERS}}},
        **_UPLOAD_PROBLEMS,
    },
    openapi_extra={"requestBody": REQUEST_BODY},
)
async def classify_all(
    request: Request,
    registry: RegistryDep,
    intake: IntakeDep,
    timeline: Timeline = False,
    top_k: TopK = None,
) -> AllAnswers:
    """Decode an upload once and answer with genre, chord and emotion."""
    bundles = registry.ready_bundles()
    record(request.scope).task = ALL_TASKS
    clip, answers = await intake.classify(request, bundles, timeline=timeline)
    return AllAnswers(
        audio=audio_info(clip),
        unavailable=[task for task in registry.entries() if task not in bundles] or None,
        results={name: task_result(name, answer, top_k=top_k) for name, answer in answers.items()},
    )


@router.post(
    "/{task}",
    operation_id="classify_task",
    summary="Classify a clip for one task",
    response_model_exclude_none=True,
    response_model=TaskAnswer,
    responses={
        200: {
            "content": {
                "application/json": {"examples": TASK_ANSWERS},
                "text/plain": {"schema": {"type": "string"}, "example": LAB_ANSWER},
            }
        },
        **_UPLOAD_PROBLEMS,
        **problem_responses((NotFound, "There is no task 'tempo'; this service knows genre.")),
    },
    openapi_extra={"requestBody": REQUEST_BODY},
)
async def classify_task(
    task: Annotated[str, Path(description="genre, chord or emotion", examples=["genre"])],
    request: Request,
    registry: RegistryDep,
    intake: IntakeDep,
    timeline: Timeline = False,
    top_k: TopK = None,
    format: Format = "json",  # noqa: A002  # the name that clients write
) -> TaskAnswer | PlainTextResponse:
    """Answer with the calibrated probabilities of one task's labels.

    With `format=lab`, or `Accept: text/plain`, a chord answer is the timeline as a `.lab` file
    in Harte's notation.
    """
    bundle = registry.bundle(task)
    record(request.scope).task = task
    lab_labels = bundle.card.lab_labels if _wants_lab(request, format) else None
    if format == "lab" and lab_labels is None:
        raise InvalidRequest(f"The task {task} has no .lab form; leave format=lab out.")
    timeline = timeline or lab_labels is not None
    clip, answers = await intake.classify(request, {task: bundle}, timeline=timeline)
    if lab_labels is not None:
        return PlainTextResponse(lab(answers[task].timeline or [], lab_labels))
    result = task_result(task, answers[task], top_k=top_k)
    return TaskAnswer(audio=audio_info(clip), **dict(result))


def _wants_lab(request: Request, format_name: str) -> bool:
    return format_name == "lab" or request.headers.get("accept", "").startswith("text/plain")
