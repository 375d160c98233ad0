"""`/api/jobs`: queue and history in one list, and cancelling. These routes exist only below /api."""

from __future__ import annotations

import json

from aiohttp import web

from bootstrap.draft import answers, jobs
from bootstrap.draft.engine import ENGINE
from bootstrap.draft.routes_prompt import is_prompt_id

routes = web.RouteTableDef()


@routes.get("/api/jobs")
async def list_jobs(request: web.Request) -> web.Response:
    """Jobs, newest first, filtered by `status` and `workflow_id`, sorted, from `offset` on at most `limit`."""
    query = request.query
    sort_by, order = query.get("sort_by", "created_at").lower(), query.get("sort_order", "desc").lower()
    statuses = [status.strip().lower() for status in query.get("status", "").split(",") if status.strip()]
    unknown = [status for status in statuses if status not in jobs.STATUSES]
    if unknown:
        valid = ", ".join(jobs.STATUSES)
        return answers.refusal(f"Invalid status value(s): {', '.join(unknown)}. Valid values: {valid}")
    if sort_by not in ("created_at", "execution_duration"):
        return answers.refusal("sort_by must be 'created_at' or 'execution_duration'")
    if order not in ("asc", "desc"):
        return answers.refusal("sort_order must be 'asc' or 'desc'")
    try:
        limit = int(query["limit"]) if "limit" in query else None
    except ValueError:
        return answers.refusal("limit must be an integer")
    if limit is not None and limit <= 0:
        return answers.refusal("limit must be a positive integer")
    try:
        offset = max(int(query.get("offset", 0)), 0)
    except ValueError:
        return answers.refusal("offset must be an integer")

    found = [
        job
        for job in jobs.everything(request.app[ENGINE].queue.snapshot())
        if (not statuses or job["status"] in statuses)
        and query.get("workflow_id") in (None, "", job.get("workflow_id"))
    ]
    found.sort(key=lambda job: jobs.sort_key(job, sort_by), reverse=order == "desc")
    page = found[offset:] if limit is None else found[offset : offset + limit]
    pagination = {
        "offset": offset,
        "limit": limit,
        "total": len(found),
        "has_more": offset + len(page) < len(found),
    }
    return web.json_response({"jobs": page, "pagination": pagination})


@routes.get("/api/jobs/{job_id}")
async def get_job(request: web.Request) -> web.Response:
    """One job in full."""
    job = jobs.find(request.app[ENGINE].queue.snapshot(), request.match_info["job_id"])
    if job is None:
        return web.json_response({"error": "Job not found"}, status=404)
    return web.json_response(job)


@routes.post("/api/jobs/{job_id}/cancel")
async def cancel_job(request: web.Request) -> web.Response:
    """Take one job out of the queue, or interrupt it. No error where there is nothing to cancel."""
    cancelled = request.app[ENGINE].queue.cancel([request.match_info["job_id"]])
    return web.json_response({"cancelled": cancelled})


@routes.post("/api/jobs/cancel")
async def cancel_jobs(request: web.Request) -> web.Response:
    """The same for `{"job_ids": [ids]}`."""
    try:
        body = json.loads(await request.text())
    except ValueError:
        return answers.refusal("Request body must be valid JSON")
    ids = body.get("job_ids") if isinstance(body, dict) else None
    if not isinstance(ids, list):
        return answers.refusal("job_ids must be a list")
    invalid = [value if isinstance(value, str) else repr(value) for value in ids if not is_prompt_id(value)]
    if invalid:
        return answers.refusal("job_ids contains invalid id(s)", invalid_ids=invalid)
    return web.json_response({"cancelled": request.app[ENGINE].queue.cancel(ids)})
