"""The models page: what each mode lacks, what fetching it takes, and fetching it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import streamlit as st

from client import settings
from client.comfy_home import comfyui
from client.jobs import manager
from client.models.plan import Item, Plan
from client.models.service import AUTO, Choice, Look, service
from client.preflight import MissingFile, ModeCheck
from pages.parts import acting, markup, model_token, pull_card, words
from pages.parts.frame import external, frame
from workflows import manifest, needs, registry

POLL_SECONDS = 1.0
CARD_WIDTH = 220
VARIANTS = {AUTO: "Automatic", "bf16": "bf16", "fp8": "fp8", "nvfp4": "nvfp4"}
STATES = {"there": "in place", "cached": "to be linked", "partial": "partly there", "missing": "missing"}


def models() -> None:
    """Draw the page."""
    frame("Models", "The files that the modes need, and fetching them.")
    configured = settings.read()
    if external():
        _of_the_server()
        return
    draft = manager().engine().draft
    if draft:
        text = "What is below is for ComfyUI on this machine: `python3 -m bootstrap up --engine managed` starts it."
        st.html(markup.notice("quiet", "The draft engine needs no models.", text, "draw"))
    if not acting.may_act():
        if not draft:
            _preflight(manager().engine().preflight.modes if manager().engine().preflight else ())
        acting.closed("Fetching and the token are hidden.")
        return
    choice = _choice()
    known = service().look()
    if not draft and (known is None or known.choice != choice):
        service().ask(choice)
    st.fragment(lambda: _body(choice), run_every=POLL_SECONDS)()
    with st.container(key="section-token"):
        st.html(markup.section("Token of the Hugging Face hub"))
    model_token.token()
    _variants()
    st.caption(f"The models folder is {words.literal(str(comfyui(configured).models))}.")


def _of_the_server() -> None:
    """A server that somebody else runs: nothing is fetched for it from here, but what it lacks can be said."""
    text = "Nothing is fetched to it from here. What it lacks belongs into its own models folder."
    st.html(markup.notice("quiet", "The engine is somebody else's server.", text, "dns"))
    found = manager().engine().preflight
    if found is None:
        st.html(markup.empty("deployed_code", "Not known yet", "The server is asked as soon as it answers."))
        return
    _preflight(found.modes)
    if found.files:
        with st.container(key="section-files"):
            st.html(markup.section("What it lacks", len(found.files)))
        st.html(markup.files([_lacking(one) for one in found.files]))


def _preflight(modes: Sequence[ModeCheck]) -> None:
    with st.grid(3, min_column_width=CARD_WIDTH, gap="small", key="model-modes") as grid:
        for one in modes:
            mode = manifest.mode(one.name)
            with grid.cell():
                text = "" if one.ready else one.sentence()
                st.html(markup.readiness(mode.icon, mode.title, mode.tag, one.ready, text))


def _lacking(one: MissingFile) -> markup.FileRow:
    where = f"for {one.folder}" if one.folder else ""
    size = words.gigabytes(one.bytes) if one.bytes else "size unknown"
    return markup.FileRow(one.file, "missing", one.title, where, size, link=one.licence, gated=one.gated)


def _choice() -> Choice:
    """What is wanted, by the fields above the plan."""
    titles = {mode.name: mode.title for mode in manifest.modes()}
    with st.container(border=True, key="model-choice", gap="small"):
        modes = st.pills(
            "Modes",
            list(titles),
            format_func=titles.__getitem__,
            selection_mode="multi",
            key="models.modes",
            help="All of them where none is chosen.",
            persist_state="session",
        )
        left, right = st.columns(2)
        with left:
            variant = st.segmented_control(
                "Variant",
                list(VARIANTS),
                format_func=VARIANTS.__getitem__,
                default=AUTO,
                required=True,
                key="models.variant",
                help="Automatic takes what is there already, else what suits the GPU.",
                persist_state="session",
            )
        with right:
            extras = st.multiselect(
                "Further files for",
                list(_extras()),
                format_func=_extras().__getitem__,
                key="models.extras",
                placeholder="camera moves, control, …",
                persist_state="session",
            )
    return Choice(tuple(modes), tuple(extras), variant or AUTO)


@cache
def _extras() -> dict[str, str]:
    """Choices beside the defaults that need further files, with what they are called."""
    fields = manifest.fields()

    def title(label: str) -> str:
        field, _, value = label.partition("=")
        return f"{fields[field].title}: {value.replace('-', ' ')}"

    return {label: title(label) for label in needs.extras_with_models()}


def _body(choice: Choice) -> None:
    pull_card.card()
    look = service().look()
    if look is None or look.choice != choice:
        label, symbol = "Look what is there", ":material/search:"
        st.button(label, icon=symbol, key="models-look", on_click=service().ask, args=(choice,))
        return
    if look.problem:
        st.html(markup.notice("error", look.problem.message, look.problem.hint, "error"))
    elif look.plan is None:
        st.html(markup.empty("hourglass_empty", "Looking", "The disk and the Hugging Face hub are asked."))
    else:
        _plan(look, look.plan, choice)


def _plan(look: Look, plan: Plan, choice: Choice) -> None:
    _modes(plan, choice)
    _sum(look, plan, choice)
    if plan.unreachable:
        text = f"{plan.unreachable.message} {plan.unreachable.hint} The sizes are those that were published."
        st.html(markup.notice("warn", "The hub could not be asked.", text, "cloud_off"))
    for page in plan.licences:
        st.html(markup.licence(page))
    with st.container(key="section-files"):
        st.html(markup.section("Files", len(plan.items)))
    st.html(markup.files([_row(item) for item in plan.items]))


def _modes(plan: Plan, choice: Choice) -> None:
    shown = [mode for mode in manifest.modes() if not choice.modes or mode.name in choice.modes]
    with st.grid(3, min_column_width=CARD_WIDTH, gap="small", key="model-modes") as grid:
        for mode in shown:
            lacking = [one for one in plan.items if mode.name in one.need.modes and one.state != "there"]
            usual = [one for one in lacking if not one.need.extras]
            with grid.cell():
                st.html(markup.readiness(mode.icon, mode.title, mode.tag, not usual, _lack(lacking)))


def _lack(items: Sequence[Item]) -> str:
    if not items:
        return ""
    fetched = sum(item.to_fetch for item in items)
    count = f"{len(items)} {'file' if len(items) == 1 else 'files'} to come"
    return f"{count}, {words.gigabytes(fetched)}" if fetched else count


def _sum(look: Look, plan: Plan, choice: Choice) -> None:
    """How much it is, how much room there is, and the button."""
    unknown = sum(item.bytes is None and item.state != "there" for item in plan.items)
    short = [room for room in plan.rooms if room.needed > room.free]
    said = "Everything is there" if plan.complete else f"{words.gigabytes(plan.to_fetch)} to fetch"
    free = [f"{words.gigabytes(room.free)} free on the disk" for room in plan.rooms]
    facts = [said, f"{unknown} of unknown size" if unknown else "", *free]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="model-sum"):
        st.html(markup.spec(facts[0], facts[1:]), width="content")
        with st.container(horizontal=True, gap="xsmall", width="content"):
            st.button(
                "Look again", icon=":material/refresh:", key="models-again", on_click=service().ask, args=(choice,)
            )
            busy = service().pulling()
            label = f"Fetch {words.gigabytes(plan.to_fetch)}" if plan.to_fetch else "Put in place"
            if not plan.complete:
                st.button(
                    label,
                    icon=":material/download:",
                    key="models-pull",
                    type="primary",
                    disabled=bool(short or plan.unwritable) or bool(busy and busy.under_way),
                    on_click=service().pull,
                    args=(look.choice,),
                )
    if plan.unwritable:
        st.html(markup.notice("error", plan.unwritable.message, plan.unwritable.hint, "folder_off"))
    for room in short:
        text = f"{words.gigabytes(room.needed)} are needed in {room.folder} and {words.gigabytes(room.free)} are free."
        st.html(markup.notice("error", "The disk has not the room.", text, "hard_drive"))


def _row(item: Item) -> markup.FileRow:
    variant, model = item.variant, item.need.model
    size = "size unknown" if item.bytes is None else words.gigabytes(item.bytes)
    if item.state == "partial":
        size = f"{words.gigabytes(item.have)} of {size}"
    every = set(item.need.modes) == set(manifest.MODES)
    purpose = ", ".join(item.need.extras) or (
        "all modes" if every else ", ".join(manifest.mode(name).title for name in item.need.modes)
    )
    return markup.FileRow(
        file=item.file,
        state=STATES.get(item.state, "can't be had"),
        title=f"{model.title}, {variant.name}" if model and variant else "",
        purpose=purpose,
        size=size,
        link=(variant.licence or variant.page) if variant else "",
        gated=bool(variant and variant.gated),
        problem=f"{item.problem.message} {item.problem.hint}" if item.problem and item.state == "blocked" else "",
    )


def _variants() -> None:
    """What each model comes as."""
    with st.expander("Variants of the models", icon=":material/stacks:", key="model-variants"):
        st.caption("A preset runs with any of them; a smaller file needs less memory, and its videos differ a little.")
        for model in registry.models():
            if len(model.usable()) > 1:
                st.html(markup.facts([(model.title, ""), *((one.name, _variant(one)) for one in model.usable())]))


def _variant(one: registry.Variant) -> str:
    memory = f"from {one.min_vram_gb:g} GB of GPU memory on" if one.min_vram_gb else ""
    parts = [words.gigabytes(one.bytes) if one.bytes else "size unknown", memory, one.file]
    return ", ".join(part for part in parts if part)
