"""Drawings for home, sport, gifts, beach, services: fragments of SVG on a canvas of 400 by 300, standing on y = 250.

A family of products is one function, so that the better level is the same thing with more of it.
"""

from __future__ import annotations

from typing import Final


def _shoe(upper: str, sole: str, stripe: str, foam: int) -> str:
    """A running shoe from the side on `foam` units of sole."""
    top = 250 - foam
    return f"""
    <path d="M84 {top}q-8 -56 10 -96q24 22 50 -8q10 -12 24 -2q40 46 84 62q64 10 70 44z" fill="{upper}"/>
    <path d="M94 {top - 96}q24 22 50 -8l10 -4q8 4 14 10q-28 44 -84 38q2 -20 10 -36z" fill="{stripe}" opacity=".55"/>
    <path d="M76 {top - 4}h250q10 0 10 12 0 {foam - 8} -22 {foam - 8}H96q-20 0 -20 -{foam - 8}z" fill="{sole}"/>
    <path d="M76 {top + 4}q60 16 130 4t130 0" fill="none" stroke="{stripe}" stroke-width="5"/>
    <path d="M166 {top - 92}l-20 18M184 {top - 76}l-20 20M204 {top - 62}l-18 22M226 {top - 50}l-14 22" stroke="#fff"
      stroke-width="7" stroke-linecap="round"/>
    <path d="M104 {top - 14}q40 -8 62 -40M134 {top - 12}q36 -8 54 -32" fill="none" stroke="{stripe}" stroke-width="9"
      stroke-linecap="round"/>"""


def _bottle(body: str, cap: str, label: str, mark: str) -> str:
    """A round-shouldered bottle with a flip top; `mark` is drawn on its label."""
    return f"""
    <path d="M176 60q0 -8 8 -8h32q8 0 8 8v30h-48z" fill="{cap}"/><rect x="170" y="82" width="60" height="12" rx="5"
      fill="{cap}"/><path d="M164 92h72q24 12 24 40v102q0 16 -16 16h-88q-16 0 -16 -16V132q0 -28 24 -40z" fill="{body}"/>
    <path d="M236 92q24 12 24 40v102q0 16 -16 16h-14q12 -4 12 -18V130q0 -28 -20 -38z" fill="#000" opacity=".08"/>
    <rect x="140" y="142" width="120" height="76" fill="{label}"/>{mark}"""


def _leaf(colour: str) -> str:
    return f"""<path d="M200 208q-34 -26 0 -58q34 32 0 58z" fill="{colour}"/><path d="M200 166v46M200 186l-11 -9M200 186
      l11 -9" stroke="#fff" stroke-width="3" fill="none" stroke-linecap="round"/>"""


def _pump_bottle(body: str, mark: str) -> str:
    """A square bottle with a pump; `mark` is drawn on its front."""
    return f"""
    <path d="M194 50h12v34h-12z" fill="#8c98a6"/><path d="M150 58q0 -14 16 -14h50q10 0 10 9t-10 9h-48l-6 8h-12z"
      fill="#56636f"/><rect x="172" y="80" width="56" height="20" rx="6" fill="#56636f"/>
    <rect x="136" y="98" width="128" height="152" rx="22" fill="{body}"/><rect x="240" y="98" width="24" height="152"
      rx="12" fill="#000" opacity=".07"/>
    <rect x="152" y="128" width="96" height="94" rx="12" fill="#fff" opacity=".92"/>{mark}"""


def _chocolates(box: str, inside: str, columns: int, extra: str) -> str:
    """An open box seen from above with three rows of chocolates."""
    shades = ("#5a3825", "#7b4b2d", "#3f2619", "#946240")
    step = 192 // columns
    pieces = []
    for row in range(3):
        for column in range(columns):
            shade = shades[(row * 3 + column * 2) % 4]
            x, y = 104 + step // 2 + column * step, 126 + row * 44
            pieces.append(f'<circle cx="{x}" cy="{y}" r="18" fill="#f4e6d2"/>')
            pieces.append(
                f'<circle cx="{x}" cy="{y}" r="14" fill="{shade}"/>'
                if (row + column) % 2
                else f'<rect x="{x - 12}" y="{y - 12}" width="24" height="24" rx="5" fill="{shade}"/>'
            )
            pieces.append(f'<path d="M{x - 7} {y - 3}q7 -6 14 0" fill="none" stroke="#e9cfae" stroke-width="3"/>')
    return f"""
    <rect x="84" y="86" width="232" height="164" rx="12" fill="{box}"/><rect x="98" y="100" width="204" height="136"
      rx="6"
      fill="{inside}"/>{"".join(pieces)}{extra}"""


def _shield(face: str, rim: str, stars: int) -> str:
    """A service contract: a shield with a spanner, and one to three stars."""
    first = 200 - (stars - 1) * 24
    marks = "".join(
        f'<path d="M{first + 48 * n} 190l5 11 12 1 -9 8 3 12 -11 -6 -11 6 3 -12 -9 -8 12 -1z" fill="#ffd166"/>'
        for n in range(stars)
    )
    return f"""
    <path d="M200 40q44 26 96 24v84q0 72 -96 104q-96 -32 -96 -104V64q52 2 96 -24z" fill="{rim}"/>
    <path d="M200 56q40 21 82 21v70q0 62 -82 90q-82 -28 -82 -90V77q42 0 82 -21z" fill="{face}"/>
    <g transform="rotate(45 200 128)"><path d="M190 122h20v54q0 10 -10 10t-10 -10z" fill="#fff"/>
    <path d="M174 92q0 -18 16 -25v25h20V67q16 7 16 25q0 24 -16 32h-20q-16 -8 -16 -32z" fill="#fff"/></g>{marks}"""


def _television(screen: str, play: str, extra: str) -> str:
    """A television with a play sign; `extra` is drawn over it and tells the plan."""
    return f"""
    <path d="M150 236h100l14 14H136z" fill="#39444f"/><path d="M188 212h24v28h-24z" fill="#56636f"/>
    <rect x="72" y="68" width="256" height="152" rx="14" fill="#2b3440"/><rect x="84" y="80" width="232" height="128"
      rx="6" fill="{screen}"/><circle cx="200" cy="142" r="36" fill="#fff" opacity=".94"/>
    <path d="M189 122l32 20 -32 20z" fill="{play}"/>{extra}"""


def _family(screen: str) -> str:
    """Five small screens for the plan that shows on five at once, and a crown."""
    dots = "".join(f'<rect x="{108 + 40 * n}" y="188" width="24" height="12" rx="3" fill="#fff"/>' for n in range(5))
    crown = '<path transform="translate(88 10)" d="M174 92l10 -14 16 10 16 -10 10 14z" fill="#ffd166"/>'
    return f'<path d="M84 178h232v24q0 6 -6 6H90q-6 0 -6 -6z" fill="{screen}" opacity=".5"/>{dots}{crown}'


_CALENDAR: Final = """
    <rect x="270" y="150" width="88" height="90" rx="12" fill="#fff"/><path d="M270 162q0 -12 12 -12h64q12 0 12
      12v14h-88z"
      fill="#e2725b"/><path d="M292 142v18M336 142v18" stroke="#39444f" stroke-width="7" stroke-linecap="round"/>
    <g fill="#c3cedb"><circle cx="287" cy="194" r="5"/><circle cx="305" cy="194" r="5"/><circle cx="323" cy="194"
      r="5"/>
    <circle cx="341" cy="194" r="5"/><circle cx="287" cy="210" r="5"/><circle cx="305" cy="210" r="5"/><circle cx="287"
      cy="226" r="5"/><circle cx="305" cy="226" r="5"/></g><path d="M317 214l9 10 18 -20" fill="none" stroke="#2a9d8f"
      stroke-width="6" stroke-linecap="round"/>"""

_SEA: Final = """
    <clipPath id="view"><rect x="76" y="52" width="248" height="198" rx="18"/></clipPath><g clip-path="url(#view)">
    <path d="M76 52h248v198H76z" fill="#bfe3f5"/><circle cx="272" cy="98" r="26" fill="#ffd166"/>"""

_PALM: Final = """<path d="M126 250q14 -60 4 -108" fill="none" stroke="#9a6c48" stroke-width="11"/>
    <path d="M130 142q-40 -22 -56 10q30 -12 56 -10zM130 142q-14 -42 -54 -30q32 6 54 30zM130 142q44 -26 62 8q-32 -12
      -62 -8z
      M130 142q20 -42 58 -24q-34 2 -58 24z" fill="#3c9a68"/>"""

HOLIDAY: Final = f"""{_SEA}<path d="M76 180q70 -40 140 -8t108 -10v88H76z" fill="#9cc48a"/>
    <path d="M76 214q90 -30 248 0v36H76z" fill="#6ba368"/>
    <path d="M186 166l52 -40 52 40z" fill="#c8553d"/><path d="M196 164h84v62h-84z" fill="#fff6e6"/>
    <rect x="228" y="186" width="22" height="40" rx="3" fill="#8a6145"/><rect x="204" y="178" width="16" height="18"
      fill="#8cc8f0"/><rect x="258" y="178" width="16" height="18" fill="#8cc8f0"/>{_PALM}</g>"""

HOLIDAY_SEA: Final = f"""{_SEA}<path d="M76 150h248v100H76z" fill="#3f9fc9"/><path d="M76 172q22 -9 44 0t44 0 44 0 44 0
      44 0 44 0" fill="none" stroke="#8fd0ea" stroke-width="5"/><path d="M76 192q22 -9 44 0t44 0 44 0 44 0 44 0 44 0"
      fill="none" stroke="#8fd0ea" stroke-width="5"/>
    <path d="M222 152h76l-14 18h-48z" fill="#fff"/><path d="M258 148V86l36 58zM252 148V100l-24 44z" fill="#fff"/>
    <path d="M76 218q110 -26 248 6v26H76z" fill="#f3d9a4"/>{_PALM}</g>"""

HOLIDAY_TERRACE: Final = f"""{_SEA}<path d="M76 146h248v104H76z" fill="#3f9fc9"/><path d="M76 164q22 -9 44 0t44 0 44 0
      44 0 44 0 44 0" fill="none" stroke="#8fd0ea" stroke-width="5"/>
    <path d="M76 206h248v44H76z" fill="#e9d8bd"/><path d="M76 206h248v7H76z" fill="#fff6e6"/>
    <path d="M200 96v142" stroke="#8a6145" stroke-width="8"/><path d="M112 108q6 -46 88 -46t88 46q-22 -12 -44 0q-22 -12
      -44 0q-22 -12 -44 0q-22 -12 -44 0z" fill="#e2725b"/><path d="M156 108q4 -40 44 -46q40 6 44 46q-22 -12 -44 0q-22
      -12
      -44 0z" fill="#fff6e6"/>
    <path d="M112 228l50 -4 18 -28" fill="none" stroke="#31507a" stroke-width="9" stroke-linecap="round"/>
    <path d="M118 228v18M162 226v20" stroke="#31507a" stroke-width="6"/>
    <path d="M288 228l-50 -4 -18 -28" fill="none" stroke="#31507a" stroke-width="9" stroke-linecap="round"/>
    <path d="M282 228v18M238 226v20" stroke="#31507a" stroke-width="6"/></g>"""

GRILL: Final = """
    <path d="M158 190L126 250M242 190L274 250M200 196v46" stroke="#39444f" stroke-width="9" stroke-linecap="round"/>
    <path d="M140 226h120" stroke="#8c98a6" stroke-width="6"/><circle cx="272" cy="240" r="13" fill="#2b3440"/>
    <circle cx="272" cy="240" r="5" fill="#aab6c4"/>
    <path d="M96 142h208q0 62 -104 62T96 142z" fill="#2b3440"/><path d="M98 130q4 -66 102 -66t102 66z" fill="#c8402f"/>
    <path d="M124 116q10 -34 50 -42" fill="none" stroke="#f08d7c" stroke-width="8" stroke-linecap="round"/>
    <rect x="90" y="128" width="220" height="16" rx="8" fill="#4b5663"/><path d="M180 62q0 -16 20 -16t20 16" fill="none"
      stroke="#8a6145" stroke-width="9"/><circle cx="232" cy="176" r="6" fill="#8c98a6"/><circle cx="200" cy="182" r="6"
      fill="#8c98a6"/><circle cx="168" cy="176" r="6" fill="#8c98a6"/>
    <path d="M304 136h22" stroke="#8a6145" stroke-width="10" stroke-linecap="round"/>"""

CHARCOAL: Final = """
    <path d="M128 78q36 10 72 0t72 0l12 172H116z" fill="#d8b98c"/><path d="M128 78l8 -22q32 10 64 0t64 0l8 22q-36 10
      -72 0
      t-72 0z" fill="#b8935f"/><path d="M124 132h152l6 84H118z" fill="#3a2d26"/>
    <path d="M200 144q34 26 22 46q-4 16 -22 16t-24 -16q-4 -14 10 -26q2 10 8 12q4 -16 6 -32z" fill="#f28a2e"/>
    <path d="M200 176q14 12 8 22q-2 8 -8 8t-9 -8q-1 -8 9 -22z" fill="#ffd166"/>
    <path d="M66 250l8 -24 26 -8 18 14 -4 18zM284 250l2 -20 22 -14 24 12 6 22z" fill="#39332f"/>
    <path d="M74 226l26 -8 4 12zM308 216l24 12 -20 4z" fill="#5a514b"/>"""

GRILL_TOOLS: Final = """
    <rect x="118" y="176" width="18" height="74" rx="8" fill="#b5835a"/><path d="M122 176h10v-56h-10z" fill="#8c98a6"/>
    <path d="M104 60h46l-4 58q-19 12 -38 0z" fill="#aab6c4"/><path d="M118 72v34M127 72v34M136 72v34" stroke="#6a7786"
      stroke-width="5" stroke-linecap="round"/>
    <rect x="191" y="176" width="18" height="74" rx="8" fill="#b5835a"/><path d="M195 176h10v-62h-10z" fill="#8c98a6"/>
    <path d="M180 56v46q0 16 20 16t20 -16V56" fill="none" stroke="#aab6c4" stroke-width="9" stroke-linecap="round"/>
    <path d="M200 56v54" stroke="#aab6c4" stroke-width="8" stroke-linecap="round"/>
    <path d="M276 92q-22 60 -16 158M276 92q22 60 16 158" fill="none" stroke="#aab6c4" stroke-width="11"
      stroke-linecap="round"/><path d="M260 184q-2 30 0 62M292 184q2 30 0 62" stroke="#b5835a" stroke-width="16"
      stroke-linecap="round"/><circle cx="276" cy="92" r="11" fill="#6a7786"/>"""

COOKBOOK: Final = """
    <path d="M126 58h140q12 0 12 12v168q0 12 -12 12H126z" fill="#f6efe2"/><path d="M120 52h144q10 0 10 10v168q0 10
      -10 10
      H120q-8 0 -8 8V62q0 -10 8 -10z" fill="#c8553d"/><path d="M112 244q0 -10 10 -10h144q8 0 8 -6v14q0 8 -10 8H122
      q-10 0 -10 -6z" fill="#9c3f2c"/><path d="M130 52v182" stroke="#9c3f2c" stroke-width="5"/>
    <circle cx="204" cy="132" r="46" fill="#fff6e6"/><path d="M178 122q-14 -26 12 -30q14 -16 28 0q26 4 12 30v28h-52z"
      fill="#c8553d"/><path d="M178 140h52" stroke="#fff6e6" stroke-width="5"/>
    <path d="M166 200h76M178 214h52" stroke="#f2c9b8" stroke-width="7" stroke-linecap="round"/>"""

SOCKS: Final = """
    <path d="M116 62h58v88q2 18 22 28l28 20q16 14 6 34t-36 18q-18 -2 -34 -16l-34 -30q-12 -12 -10 -36z" fill="#31507a"/>
    <path d="M116 62h58v24h-58z" fill="#f2b134"/><path d="M224 198q16 14 6 34t-36 18q-10 -1 -18 -6q2 -36 48 -46z"
      fill="#f2b134"/><path d="M116 104h58M116 120h58" stroke="#8fb0da" stroke-width="7"/>
    <path d="M214 62h58v88q2 18 22 28l28 20q16 14 6 34t-36 18q-18 -2 -34 -16l-34 -30q-12 -12 -10 -36z" fill="#3f6496"/>
    <path d="M214 62h58v24h-58z" fill="#f2b134"/><path d="M322 198q16 14 6 34t-36 18q-10 -1 -18 -6q2 -36 48 -46z"
      fill="#f2b134"/><path d="M214 104h58M214 120h58" stroke="#8fb0da" stroke-width="7"/>"""

INSOLES: Final = """
    <path d="M152 52q36 -4 38 44q0 24 -8 46q-6 20 -2 48q6 60 -34 60q-40 0 -32 -58q2 -22 -4 -44q-16 -88 42 -96z"
      fill="#d9a86c"/><path d="M146 188q20 -4 34 2q6 60 -34 60q-38 0 -32 -50q14 -12 32 -12z" fill="#e2725b"/>
    <path d="M152 64q26 -2 27 34q0 20 -6 36h-44q-12 -62 23 -70z" fill="#e9c595"/>
    <g transform="translate(400 0) scale(-1 1)"><path d="M152 52q36 -4 38 44q0 24 -8 46q-6 20 -2 48q6 60 -34 60q-40 0
      -32 -58q2 -22 -4 -44q-16 -88 42 -96z" fill="#d9a86c"/><path d="M146 188q20 -4 34 2q6 60 -34 60q-38 0 -32 -50q14
      -12
      32 -12z" fill="#e2725b"/><path d="M152 64q26 -2 27 34q0 20 -6 36h-44q-12 -62 23 -70z" fill="#e9c595"/></g>
    <g fill="#b98252"><circle cx="140" cy="92" r="3"/><circle cx="158" cy="84" r="3"/><circle cx="150" cy="108" r="3"/>
    <circle cx="164" cy="112" r="3"/><circle cx="260" cy="92" r="3"/><circle cx="242" cy="84" r="3"/><circle cx="250"
      cy="108" r="3"/><circle cx="236" cy="112" r="3"/></g>"""

CONDITIONER: Final = f"""
    <path d="M150 54h100l14 148H136z" fill="#c5b3dc"/><rect x="146" y="44" width="108" height="14" rx="5"
      fill="#a48fc2"/>
    <path d="M154 202h92l-4 38q-1 10 -11 10h-62q-10 0 -11 -10z" fill="#7d6a9e"/><path d="M136 202h128l-2 8H138z"
      fill="#a48fc2"/><g transform="translate(0 -54)">{_leaf("#7d6a9e")}</g><path d="M172 178h56" stroke="#fff"
      stroke-width="6" stroke-linecap="round"/>"""

WRAPPING: Final = """
    <g transform="rotate(-20 200 170)"><rect x="92" y="96" width="220" height="52" rx="8" fill="#e2725b"/>
    <path d="M122 96l22 52M158 96l22 52M194 96l22 52M230 96l22 52M266 96l22 52" stroke="#f6c9bd" stroke-width="9"/>
    <ellipse cx="312" cy="122" rx="12" ry="26" fill="#b94f3b"/><ellipse cx="312" cy="122" rx="5" ry="12"
      fill="#f6c9bd"/>
    <rect x="84" y="160" width="220" height="52" rx="8" fill="#2a9d8f"/><g fill="#bfe6e0"><circle cx="118" cy="176"
      r="6"/>
    <circle cx="150" cy="194" r="6"/><circle cx="182" cy="176" r="6"/><circle cx="214" cy="194" r="6"/><circle cx="246"
      cy="176" r="6"/><circle cx="278" cy="194" r="6"/></g><ellipse cx="304" cy="186" rx="12" ry="26" fill="#1d7268"/>
    <ellipse cx="304" cy="186" rx="5" ry="12" fill="#bfe6e0"/></g>
    <circle cx="302" cy="216" r="34" fill="#f2b134"/><circle cx="302" cy="216" r="24" fill="#d99517"/>
    <circle cx="302" cy="216" r="12" fill="#fff3d1"/><path d="M330 234q22 8 16 16" fill="none" stroke="#f2b134"
      stroke-width="9" stroke-linecap="round"/>"""

MESSAGE_CARD: Final = """
    <path d="M84 130h200v120H84z" fill="#d9b98f"/><path d="M84 130l100 70 100 -70" fill="#c9a272"/>
    <g transform="rotate(7 240 140)"><rect x="150" y="58" width="170" height="122" rx="6" fill="#fff"/>
    <path d="M235 146q-42 -28 -30 -50q14 -20 30 2q16 -22 30 -2q12 22 -30 50z" fill="#d64545"/>
    <path d="M206 164h58" stroke="#c9d3dd" stroke-width="5" stroke-linecap="round"/></g>
    <path d="M84 250v-98l76 56zM284 250v-90l-76 48z" fill="#e6cba6"/><path d="M84 250l82 -62q18 -12 36 0l82 62z"
      fill="#efdabb"/>"""

SWIMWEAR: Final = """
    <path d="M150 48q2 44 -10 66q16 30 -4 72q38 10 52 62q12 6 24 0q14 -52 52 -62q-20 -42 -4 -72q-12 -22 -10 -66h-14q2
      40 -36 44
      q-38 -4 -36 -44z" fill="#1f7a8c"/>
    <path d="M139 114h122q-8 14 -10 28H149q-2 -14 -10 -28z" fill="#f2b134"/><path d="M149 142h102q-1 7 0 12H149
      q1 -6 0 -12z" fill="#e2725b"/>"""

FLIP_FLOPS: Final = """
    <g><path d="M146 48q46 0 44 62q-2 30 -8 54q-4 24 0 42q4 44 -38 44t-40 -44q2 -22 -4 -44q-8 -26 -8 -54
      q2 -60 54 -60z" fill="#2a9d8f"/><path d="M146 58q36 0 34 52q-2 28 -8 52q-3 24 0 44q3 34 -28 34t-30 -34q2 -22 -4
      -46
      q-8 -24 -7 -50q2 -52 43 -52z" fill="#7fd1c2"/><path d="M146 88q-8 48 -40 62M146 88q6 50 36 62" fill="none"
      stroke="#e2725b" stroke-width="12" stroke-linecap="round"/><circle cx="146" cy="88" r="8" fill="#c8553d"/></g>
    <g transform="translate(400 0) scale(-1 1)"><path d="M146 48q46 0 44 62q-2 30 -8 54q-4 24 0 42q4 44 -38 44t-40 -44
      q2 -22 -4 -44q-8 -26 -8 -54q2 -60 54 -60z" fill="#2a9d8f"/><path d="M146 58q36 0 34 52q-2 28 -8 52q-3 24 0 44q3 34
      -28 34t-30 -34q2 -22 -4 -46q-8 -24 -7 -50q2 -52 43 -52z" fill="#7fd1c2"/><path d="M146 88q-8 48 -40 62M146 88q6 50
      36 62" fill="none" stroke="#e2725b" stroke-width="12" stroke-linecap="round"/><circle cx="146" cy="88" r="8"
      fill="#c8553d"/></g>"""

SUNSCREEN: Final = """
    <path d="M138 46h124l-12 158H150z" fill="#f6b73c"/><rect x="134" y="40" width="132" height="12" rx="5"
      fill="#d99517"/>
    <path d="M152 204h96v36q0 10 -10 10h-76q-10 0 -10 -10z" fill="#fff6e6"/><path d="M152 204h96v10h-96z"
      fill="#e6d9c0"/>
    <circle cx="200" cy="122" r="26" fill="#fff6e6"/><path d="M200 84v-10M200 160v10M162 122h-10M238 122h10M173 95l-7 -7
      M227 95l7 -7M173 149l-7 7M227 149l7 7" stroke="#fff6e6" stroke-width="8" stroke-linecap="round"/>
    <path d="M186 122q7 -8 14 0t14 0" fill="none" stroke="#d99517" stroke-width="5" stroke-linecap="round"/>"""

BEACH_TOWEL: Final = """
    <path d="M106 56q94 18 188 0v170q-94 18 -188 0z" fill="#fff6e6"/>
    <path d="M106 80q94 18 188 0v26q-94 18 -188 0zM106 132q94 18 188 0v26q-94 18 -188 0zM106 184q94 18 188 0v26
      q-94 18 -188 0z" fill="#2f8fb3"/>
    <path d="M112 228v20M126 231v20M140 233v18M154 234v18M168 235v17M182 236v16M200 236v16M218 236v16M232 235v17M246 234
      v18M260 233v18M274 231v20M288 228v20" stroke="#e6d3b0" stroke-width="5" stroke-linecap="round"/>
    <path d="M86 58h228" stroke="#9a6c48" stroke-width="10" stroke-linecap="round"/>"""

BEACH_BALL: Final = """
    <circle cx="200" cy="156" r="94" fill="#fff"/><path d="M200 118L166 74a94 94 0 0 1 100 8z" fill="#e2725b"/>
    <path d="M200 118L290 128a94 94 0 0 1 -22 92z" fill="#f2b134"/><path d="M200 118L222 247a94 94 0 0 1 -92 -28z"
      fill="#2a9d8f"/>
    <path d="M200 118L107 168a94 94 0 0 1 18 -69z" fill="#4a90d9"/><circle cx="200" cy="118" r="15" fill="#fff"/>
    <circle cx="200" cy="118" r="7" fill="#dfe6ee"/>"""

_DROP: Final = '<path d="M200 142q30 36 18 54q-6 12 -18 12t-18 -12q-12 -18 18 -54z" fill="#4fa3c9"/>'
_ALMOND: Final = """<path d="M200 140q30 36 18 56q-6 12 -18 12t-18 -12q-12 -20 18 -56z" fill="#c98a4b"/>
    <path d="M200 152v44M191 166v26M209 166v26" stroke="#f4dfc4" stroke-width="3"/>"""
_RIBBON: Final = """<path d="M300 86h-26v164h26z" fill="#d9a441"/>
    <path d="M287 96q-40 -34 -40 -10t40 10q40 -34 40 -10t-40 10z" fill="#f2c66d"/><circle cx="287" cy="96" r="9"
      fill="#b98226"/>"""
_ADVERT: Final = """<rect x="98" y="186" width="204" height="14" rx="4" fill="#fff" opacity=".85"/><rect x="98" y="186"
      width="62" height="14" rx="4" fill="#f2b134"/>"""
_TIMELINE: Final = """<rect x="98" y="190" width="204" height="6" rx="3" fill="#fff" opacity=".6"/><rect x="98" y="190"
      width="92" height="6" rx="3" fill="#fff"/><circle cx="190" cy="193" r="8" fill="#fff"/>"""

HOME: Final[dict[str, str]] = {
    "grill": GRILL,
    "charcoal": CHARCOAL,
    "grill-tools": GRILL_TOOLS,
    "cookbook": COOKBOOK,
    "shoes": _shoe("#4f8fc0", "#f4f7fa", "#1f4e79", 30),
    "shoes-plus": _shoe("#e2725b", "#fff6e6", "#8c2f1e", 42),
    "socks": SOCKS,
    "insoles": INSOLES,
    "shampoo": _bottle("#9cc9a3", "#5f8f68", "#f4faf2", _leaf("#5f8f68")),
    "shampoo-plus": _bottle("#e3c48d", "#a97f3c", "#fdf7ea", _leaf("#a97f3c")),
    "conditioner": CONDITIONER,
    "body-wash": _pump_bottle("#8fcbe0", _DROP),
    "body-wash-plus": _pump_bottle("#e6bf94", _ALMOND),
    "chocolate": _chocolates("#c8553d", "#9c3f2c", 4, ""),
    "chocolate-gift": _chocolates("#47364f", "#2e2233", 4, _RIBBON),
    "wrapping-paper": WRAPPING,
    "message-card": MESSAGE_CARD,
    "swimwear": SWIMWEAR,
    "flip-flops": FLIP_FLOPS,
    "sunscreen": SUNSCREEN,
    "beach-towel": BEACH_TOWEL,
    "beach-ball": BEACH_BALL,
    "service": _shield("#5c8db8", "#3a6690", 1),
    "service-plus": _shield("#3f9a8a", "#266d61", 2),
    "service-complete": _shield("#6b5ba8", "#463a7a", 3),
    "streaming-free": _television("#9fb0c2", "#6a7786", _ADVERT),
    "streaming-basic": _television("#4f8fc0", "#31699a", _TIMELINE),
    "streaming-premium": _television("#5a4a94", "#463a7a", _family("#2e2658")),
    "streaming-basic-year": _television("#4f8fc0", "#31699a", _TIMELINE + _CALENDAR),
    "streaming-premium-year": _television("#5a4a94", "#463a7a", _family("#2e2658") + _CALENDAR),
    "holiday": HOLIDAY,
    "holiday-sea": HOLIDAY_SEA,
    "holiday-terrace": HOLIDAY_TERRACE,
}
