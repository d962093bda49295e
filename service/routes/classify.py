"""The endpoints that people come for: audio in, probabilities out."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import PlainTextResponse

from service.answers import audio_info, task_result, task_results
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
    UnsupportedEncoding,
    UnusableAudio,
    UploadTooSlow,
)
from service.http.accept import preferred
from service.inference.timeline import lab
from service.routes.dependencies import IntakeDep, RegistryDep, problem_responses
from service.routes.options import Options, OptionsDep
from service.schemas import AllAnswers, TaskAnswer
from service.telemetry.metrics import ALL_TASKS
from service.telemetry.record import record

router = APIRouter(prefix="/classify", tags=["classify"])

JSON, TEXT = "application/json", "text/plain"
_UPLOAD_PROBLEMS = problem_responses(
    (UploadTooSlow, "The upload was slower than 16.4 kB a second while others had to wait."),
    (
        TooManyBytes,
        "The upload exceeds 26.2 MB. Send a shorter clip, or a compressed format such as MP3.",
    ),
    (TooManySeconds, "The audio plays longer than 900 s. Choose start_s and duration_s."),
    (UnsupportedAudio, "The body is text, not audio. Send the file in a multipart form."),
    (UnsupportedEncoding, "The Content-Encoding 'br' is not understood. Send the file as it is."),
    (UnusableAudio, "The file holds 0.000 s of audio; at least 0.1 s are needed."),
    (InvalidRequest, "There is no parameter or form field 'topk'. Did you mean 'top_k'?"),
    (TooManyRequests, "This client may send 60 requests a minute, 10 of them at once; more came."),
    (TooManyUploads, "4 uploads from this address are pending. Wait for their answers."),
    (Overloaded, "All workers are busy and 34 clips are pending. Try again in 1 s."),
    (NotReady, "The genre model is still loading. Try again in 1 s."),
    (DeadlineExceeded, "No answer within 30 s."),
)


@router.post(
    "",
    operation_id="classify_all",
    summary="Classify a clip for all tasks at once",
    response_model_exclude_none=True,
    responses=_UPLOAD_PROBLEMS,
)
async def classify_all(
    request: Request, registry: RegistryDep, intake: IntakeDep, query: OptionsDep
) -> AllAnswers:
    """Decode an upload once and answer with genre, chord and emotion."""
    record(request.scope).task = ALL_TASKS
    bundles = registry.ready_bundles()
    async with intake.receive(request) as upload:
        options = query.joined(Options.read(upload.fields))
        if options.format == "lab":
            raise InvalidRequest("The answers of all tasks have no .lab form; leave format out.")
        clip, answers = await intake.classify(
            upload, bundles, timeline=options.timeline, excerpt=options.excerpt
        )
    return AllAnswers(
        audio=audio_info(clip, options.excerpt, answers.values()),
        unavailable=[task for task in registry.entries() if task not in bundles] or None,
        results=task_results(
            answers,
            top_k=options.top_k,
            start_s=options.start_s,
            embedding=options.embedding,
        ),
    )


@router.post(
    "/{task}",
    operation_id="classify_task",
    summary="Classify a clip for one task",
    response_model_exclude_none=True,
    response_model=TaskAnswer,
    responses={
        **_UPLOAD_PROBLEMS,
        **problem_responses((NotFound, "There is no task 'tempo'; this service knows genre.")),
    },
)
async def classify_task(
    task: Annotated[str, Path(description="The name of a task in any case")],
    request: Request,
    registry: RegistryDep,
    intake: IntakeDep,
    query: OptionsDep,
) -> TaskAnswer | PlainTextResponse:
    """Answer with the calibrated probabilities of one task's labels."""
    task, _ = registry.find(task)
    record(request.scope).task = task
    bundle = registry.bundle(task)
    async with intake.receive(request) as upload:
        options = query.joined(Options.read(upload.fields))
        lab_labels = bundle.card.lab_labels if _wants_lab(request, options) else None
        if options.format == "lab" and lab_labels is None:
            raise InvalidRequest(f"The task {task} has no .lab form; leave format=lab out.")
        timeline = options.timeline or lab_labels is not None
        clip, answers = await intake.classify(
            upload, {task: bundle}, timeline=timeline, excerpt=options.excerpt
        )
    if lab_labels is not None:
        return PlainTextResponse(lab(answers[task].timeline or [], lab_labels, options.start_s))
    result = task_result(
        task,
        answers[task],
        top_k=options.top_k,
        start_s=options.start_s,
        embedding=options.embedding,
    )
    audio = audio_info(clip, options.excerpt, answers.values())
    return TaskAnswer(audio=audio, **dict(result))


def _wants_lab(request: Request, options: Options) -> bool:
    if options.format is None:
        return preferred(request.headers.get("accept", ""), [JSON, TEXT]) == TEXT
    return options.format == "lab"
