"""The tokenizer of the text encoder: a SentencePiece unigram model, serialised without its package."""

from __future__ import annotations

import struct

WORDS = """
a an the and or of in on at to from with without by for as is are be was it its this that these those then
there while into over under between behind before after around through across along up down out off near far
one two three first last all each every some no not only very more most less any other same such own than so
if when what who how where which can could will would should may might must do does did done has have had
he she they we you i his her their our your my me him them us
video image photo frame shot scene camera lens light lighting shadow color colour style look mood tone texture
close closeup wide medium slow fast motion movement moving static still pan tilt zoom dolly push pull track
tracking handheld cinematic realistic natural dramatic soft hard bright dark warm cold golden blue green red
yellow white black grey brown orange pink purple silver high low quality detail detailed sharp focus blur
background foreground sky sun sunset sunrise moon star cloud rain snow wind water river sea ocean wave beach
forest tree leaf grass flower mountain hill field desert road street city town building house room window door
wall floor table chair car train ship boat plane man woman boy girl child person people face eye eyes hair
hand hands head mouth smile voice speech speaks speaking says saying talk talking sing singing music sound
sounds audio ambient noise quiet loud soft song drum guitar piano beat rhythm background footsteps cat dog
bird horse fish animal robot machine walk walking run running sit sitting stand standing turn turning looks
looking wears wearing holds holding old young small large big little long short new happy sad calm gentle
subtle slightly slowly gently smoothly clear clearly soft softly day night morning evening summer winter time
user raw input prompt output creative assistant given describe describing describes description expand into
generate generation guide text model guidelines strictly follow include including every element requested
visuals visual motions actions action vague invent concrete details textures materials settings setting
characters character clothing expressions unrequested active language present progressive verbs specified
natural movements maintain chronological flow temporal connectors layer complete soundscape integrate
alongside specific example examples avoid restrained exaggerated terms mild phrasing colors plain neutral
important notes analyze carefully cases subject whose camera dialogue unless typo timestamps cuts explicitly
format phrases like opens start directly optional special mentions conversation highly major edits introduce
new elements add enhance missing single continuous paragraph english titles headings prefaces code fences
markdown unsafe invalid return original never ask questions clarifications critical rich dynamic high
woman coffee shop talking phone cup wooden cream sweater smartphone listens nodding conversations helpful
system quick brown fox jumps lazy machine ultra photorealistic movie film vintage modern futuristic neon
"""
PIECES = """
ing ed er es ly tion al ment able ness ous ive en est ful less ity ist ism ary ate ize ise th he in an re on
at or st nd ar le te ti it is se me co de ra ro li ri io as ne ve om el la ic us ch sh ph wh qu ck ll ss tt
ee oo ou ea ai ow ight ough str pr tr gr br fr pl bl cl fl sp sc sm sn un pre pro con com dis mis non sub
""" + " ".join(chr(c) * 2 for c in b"-.!*=#")
SOT, EOT = 105, 106  # turn markers, same ids as the real tokenizer


def vocabulary() -> list[tuple[str, float, int]]:
    """(piece, score, type).  Types: 1 normal, 2 unknown, 3 control, 4 user, 6 byte."""
    v: list[tuple[str, float, int]] = [
        ("<pad>", 0, 3),
        ("<eos>", 0, 3),
        ("<bos>", 0, 3),
        ("<unk>", 0, 2),
        ("\u2581", -4.0, 1),
    ]
    v += [(chr(c), -9.0, 1) for c in range(0x21, 0x7F)]
    v += [("\n", -3.0, 4), ("\n\n", -3.0, 4)]
    while len(v) < SOT:
        v.append((f"<unused{len(v)}>", 0, 3))
    v += [("<start_of_turn>", 0, 4), ("<end_of_turn>", 0, 4)]
    assert (v[SOT][0], v[EOT][0]) == ("<start_of_turn>", "<end_of_turn>")
    v += [(f"<0x{i:02X}>", 0, 6) for i in range(256)]
    seen = {p for p, _, _ in v}
    for w in WORDS.split():
        for form in ("\u2581" + w, "\u2581" + w.capitalize()):
            if form not in seen:
                seen.add(form)
                v.append((form, -6.0, 1))
    for w in PIECES.split():
        if w not in seen:
            seen.add(w)
            v.append((w, -8.0, 1))
    return v


def _varint(n: int) -> bytes:
    out = bytearray()
    while True:
        out.append((n & 0x7F) | (0x80 if n > 0x7F else 0))
        n >>= 7
        if not n:
            return bytes(out)


def _field(no: int, value) -> bytes:
    """One protobuf field: int/bool -> varint, float -> 32 bit, str/bytes -> length-delimited."""
    if isinstance(value, (bool, int)):
        return _varint(no << 3) + _varint(int(value))
    if isinstance(value, float):
        return _varint(no << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, str):
        value = value.encode()
    return _varint(no << 3 | 2) + _varint(len(value)) + value


def sentencepiece_model() -> tuple[bytes, int]:
    """A SentencePiece unigram model, serialised without the sentencepiece package."""
    v = vocabulary()
    out = b"".join(_field(1, _field(1, p) + _field(2, float(s)) + _field(3, t)) for p, s, t in v)
    trainer = (
        _field(3, 1)
        + _field(4, len(v))
        + _field(35, True)  # unigram, size, byte fallback
        + _field(40, 3)
        + _field(41, 2)
        + _field(42, 1)
        + _field(43, 0)  # unk, bos, eos, pad ids
        + _field(45, "<unk>")
        + _field(46, "<bos>")
        + _field(47, "<eos>")
        + _field(48, "<pad>")
    )
    # no dummy prefix, keep white space, write a space as U+2581
    normalizer = _field(1, "identity") + _field(3, False) + _field(4, False) + _field(5, True)
    return out + _field(2, trainer) + _field(3, normalizer), len(v)
