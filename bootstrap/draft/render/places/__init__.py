"""Painters of the vocabulary's places."""

from __future__ import annotations

from collections.abc import Callable

from bootstrap.draft.render.places import city, clouds, coast, country, desert, forest, room, space, street, underwater
from bootstrap.draft.render.stage import Setting, Stage

PLACES: dict[str, Callable[[Stage], Setting]] = {
    "hills": country.hills,
    "mountains": country.mountains,
    "lake": country.lake,
    "sea": coast.sea,
    "beach": coast.beach,
    "forest": forest.forest,
    "pines": country.pines,
    "field": country.field,
    "desert": desert.desert,
    "city": city.city,
    "street": street.street,
    "room": room.room,
    "space": space.space,
    "underwater": underwater.underwater,
    "clouds": clouds.cloudscape,
}
