"""Drawings of devices and of clinic supplies: fragments of SVG on a canvas of 400 by 300, standing on y = 250.

A family of products is one function, so that the better model is the same thing with more of it.
"""

from __future__ import annotations

from typing import Final

INK: Final = "#2b3440"
WHITE: Final = "#ffffff"


def _laptop(width: int, sky: str, hill: str, sun: str) -> str:
    """A laptop whose lid is `width` wide, with a landscape on its screen."""
    height = round(width * 0.63)
    left, top, right = 200 - width // 2, 240 - height, 200 + width // 2
    floor = top + height - 10
    return f"""
    <rect x="{left}" y="{top}" width="{width}" height="{height}" rx="11" fill="{INK}"/>
    <rect x="{left + 9}" y="{top + 9}" width="{width - 18}" height="{height - 19}" rx="4" fill="{sky}"/>
    <circle cx="{right - 56}" cy="{top + 44}" r="17" fill="{sun}"/>
    <path d="M{left + 9} {floor}V{floor - 30}q{width // 4} -48 {width // 2} -8t{width // 2 - 18} -14V{floor}z"
      fill="{hill}"/>
    <path d="M{left - 34} 240h{width + 68}v4q0 8 -12 8h-{width + 44}q-12 0 -12 -8z" fill="#98a5b3"/>
    <path d="M170 240h60q-2 6 -8 6h-44q-6 0 -8 -6z" fill="#6a7786"/>"""


def _phone(width: int, height: int, body: str, glow: str, lenses: int) -> str:
    """Back and front of a phone; the back shows `lenses` lenses."""
    top = 250 - height
    eyes = "".join(
        f'<circle cx="{156 - width // 2 + 24}" cy="{top + 26 + 27 * eye}" r="11" fill="{INK}"/>'
        f'<circle cx="{156 - width // 2 + 24}" cy="{top + 26 + 27 * eye}" r="5" fill="#6d8299"/>'
        for eye in range(lenses)
    )
    left = 238 - width // 2
    return f"""
    <rect x="{156 - width // 2}" y="{top}" width="{width}" height="{height}" rx="17" fill="{body}"/>{eyes}
    <rect x="{left}" y="{top + 6}" width="{width}" height="{height - 6}" rx="17" fill="{INK}"/>
    <rect x="{left + 6}" y="{top + 12}" width="{width - 12}" height="{height - 18}" rx="12" fill="{glow}"/>
    <path d="M{left + 6} {top + 104}q{width // 2 - 6} -36 {width - 12} 6V{height + top - 18}q0 12 -12 12h-{width - 36}
      q-12 0 -12 -12z" fill="{WHITE}" opacity=".35"/>
    <rect x="{225}" y="{top + 18}" width="26" height="6" rx="3" fill="{INK}"/>
    <rect x="{218}" y="{top + 44}" width="40" height="7" rx="3.5" fill="{WHITE}" opacity=".9"/>
    <rect x="{226}" y="{top + 57}" width="24" height="5" rx="2.5" fill="{WHITE}" opacity=".7"/>"""


def _camera(body: str, grip: str, flash: str) -> str:
    """A camera from the front; `flash` is what sits on its roof."""
    return f"""
    <path d="M150 112l14 -26q3 -6 10 -6h52q7 0 10 6l14 26z" fill="{grip}"/>{flash}
    <rect x="84" y="106" width="232" height="144" rx="20" fill="{body}"/>
    <path d="M84 150h232v62H84z" fill="{grip}"/>
    <rect x="100" y="94" width="36" height="14" rx="6" fill="{grip}"/>
    <circle cx="284" cy="128" r="9" fill="#f2b134"/>
    <circle cx="200" cy="178" r="62" fill="#e9eef3"/><circle cx="200" cy="178" r="52" fill="{INK}"/>
    <circle cx="200" cy="178" r="38" fill="#3f5875"/><circle cx="200" cy="178" r="22" fill="#1d2632"/>
    <circle cx="186" cy="163" r="9" fill="{WHITE}" opacity=".75"/>
    <circle cx="214" cy="192" r="5" fill="{WHITE}" opacity=".3"/>"""


def _printer(body: str, tray: int, panel: str) -> str:
    """A printer with a page coming out; `tray` is the height of its paper trays."""
    return f"""
    <path d="M138 66h110l16 16v60H138z" fill="{WHITE}"/><path d="M248 66v16h16z" fill="#c9d3dd"/>
    <path d="M156 92h74M156 108h88" stroke="#b7c3cf" stroke-width="5" stroke-linecap="round"/>
    <rect x="92" y="126" width="216" height="{124 - tray}" rx="14" fill="{body}"/>
    <rect x="100" y="{244 - tray}" width="200" height="{6 + tray}" rx="7" fill="#5d6b7b"/>
    <rect x="170" y="{247 - tray // 2}" width="60" height="5" rx="2.5" fill="#39444f"/>
    <path d="M126 {178 - tray // 2}h148v9H126z" fill="{INK}"/>
    <path d="M138 {187 - tray // 2}h124l10 40H128z" fill="{WHITE}"/>
    <path d="M156 {200 - tray // 2}h60" stroke="#e2725b" stroke-width="6" stroke-linecap="round"/>
    <path d="M154 {213 - tray // 2}h92" stroke="#b7c3cf" stroke-width="5" stroke-linecap="round"/>
    <rect x="246" y="140" width="46" height="16" rx="6" fill="{panel}"/><circle cx="112" cy="148" r="6"
      fill="#6fbf73"/>"""


def _glove(x: int, turn: int, skin: str, cuff: str) -> str:
    """One surgical glove standing on its cuff, `x` to the right and turned by `turn` degrees."""
    return f"""<g transform="translate({x} 0) rotate({turn} 0 250)">
    <g stroke="{skin}" stroke-width="23" stroke-linecap="round">
      <path d="M-34 150L-40 98M-11 146L-13 78M13 146L15 82M35 152L41 104M40 196L66 156"/></g>
    <path d="M-46 142q46 -22 93 0q10 40 -6 68l-6 16h-70l-6 -16q-18 -30 -5 -68z" fill="{skin}"/>
    <path d="M-36 216h72l6 34h-84z" fill="{cuff}"/><path d="M-38 225h76" stroke="{skin}" stroke-width="4"/></g>"""


LAPTOP_BAG: Final = """
    <path d="M160 108V88q0 -18 18 -18h44q18 0 18 18v20" fill="none" stroke="#6b4a33" stroke-width="12"/>
    <path d="M96 128Q60 170 84 236" fill="none" stroke="#8a6145" stroke-width="9"/>
    <path d="M304 128Q340 170 316 236" fill="none" stroke="#8a6145" stroke-width="9"/>
    <rect x="86" y="104" width="228" height="146" rx="20" fill="#b5835a"/>
    <path d="M86 124q0 -20 20 -20h188q20 0 20 20v44q-50 28 -114 28T86 168z" fill="#9a6c48"/>
    <path d="M92 172q50 18 108 18t108 -18" fill="none" stroke="#d9b08c" stroke-width="3" stroke-dasharray="7 6"/>
    <rect x="128" y="170" width="22" height="44" rx="6" fill="#6b4a33"/><rect x="250" y="170" width="22" height="44"
      rx="6"
      fill="#6b4a33"/><rect x="131" y="190" width="16" height="13" rx="3" fill="#f2c66d"/>
    <rect x="253" y="190" width="16" height="13" rx="3" fill="#f2c66d"/>"""

SOFTWARE: Final = """
    <path d="M118 78l150 -22v178l-150 16z" fill="#3f6fb5"/><path d="M118 78l-32 14v144l32 14z" fill="#274a80"/>
    <path d="M118 106l150 -20v10l-150 20z" fill="#f2b134"/>
    <rect x="146" y="128" width="40" height="52" rx="4" fill="#fff"/>
    <path d="M154 142h24M154 152h24M154 162h15" stroke="#3f6fb5" stroke-width="4" stroke-linecap="round"/>
    <path d="M204 122l42 -5v52l-42 5z" fill="#dff0e3"/><path d="M204 139l42 -5M204 156l42 -5M218 120v53M232 119v52"
      stroke="#3c9a68" stroke-width="3"/>
    <circle cx="270" cy="206" r="44" fill="#e9eef3"/><circle cx="270" cy="206" r="44" fill="none" stroke="#c3cedb"
      stroke-width="3"/><path d="M270 206l30 -32a44 44 0 0 1 13 24z" fill="#bfe3ff"/>
    <path d="M270 206l-32 30a44 44 0 0 1 -11 -24z" fill="#ffd9c9"/>
    <circle cx="270" cy="206" r="14" fill="#9fb0c2"/><circle cx="270" cy="206" r="6" fill="#fff"/>"""

PHONE_CASE: Final = """
    <rect x="140" y="56" width="120" height="194" rx="24" fill="#7f9c7a"/>
    <rect x="150" y="66" width="100" height="174" rx="17" fill="#98b592"/>
    <rect x="150" y="66" width="100" height="174" rx="17" fill="none" stroke="#d8e6d3" stroke-width="3"
      stroke-dasharray="7 6"/>
    <rect x="162" y="78" width="38" height="62" rx="15" fill="#f7faf6"/>
    <circle cx="181" cy="96" r="10" fill="#2b3440"/><circle cx="181" cy="122" r="10" fill="#2b3440"/>
    <circle cx="181" cy="96" r="4" fill="#6d8299"/><circle cx="181" cy="122" r="4" fill="#6d8299"/>
    <path d="M200 182q-16 -14 0 -32q16 18 0 32zm0 0v26" fill="#5f7d5a" stroke="#5f7d5a" stroke-width="3"/>
    <rect x="260" y="108" width="6" height="34" rx="3" fill="#637f5e"/>"""

HEADPHONES: Final = """
    <path d="M108 186V158a92 92 0 0 1 184 0v28" fill="none" stroke="#3b4656" stroke-width="17"/>
    <path d="M132 96a92 92 0 0 1 136 0" fill="none" stroke="#e2725b" stroke-width="17" stroke-linecap="round"/>
    <rect x="84" y="160" width="50" height="90" rx="24" fill="#3b4656"/><rect x="266" y="160" width="50" height="90"
      rx="24" fill="#3b4656"/>
    <rect x="122" y="166" width="26" height="78" rx="13" fill="#e2725b"/><rect x="252" y="166" width="26" height="78"
      rx="13" fill="#e2725b"/>
    <rect x="95" y="178" width="8" height="54" rx="4" fill="#6b7a8e"/><rect x="297" y="178" width="8" height="54" rx="4"
      fill="#6b7a8e"/>"""

TABLET: Final = """
    <rect x="84" y="76" width="232" height="174" rx="18" fill="#2b3440"/>
    <rect x="98" y="90" width="204" height="146" rx="7" fill="#fdf6e9"/>
    <path d="M122 206q26 -62 54 -28t38 -22q16 -34 46 -20" fill="none" stroke="#2a9d8f" stroke-width="7"
      stroke-linecap="round"/>
    <circle cx="146" cy="128" r="17" fill="#f2b134"/><path d="M186 208h86M186 222h54" stroke="#d9cdb5" stroke-width="5"
      stroke-linecap="round"/>
    <circle cx="200" cy="83" r="2.5" fill="#77859a"/>"""

TOUCH_PEN: Final = """
    <path d="M92 232q34 -32 62 -6t58 -8 72 6" fill="none" stroke="#2a9d8f" stroke-width="7" stroke-linecap="round"/>
    <g transform="rotate(40 200 150)"><rect x="186" y="26" width="28" height="156" fill="#fff"/>
    <path d="M186 36q0 -22 14 -22t14 22z" fill="#c9d3dd"/><rect x="186" y="36" width="28" height="14" fill="#aab6c4"/>
    <rect x="205" y="50" width="9" height="132" fill="#e3e9f0"/><path d="M186 182h28l-10 42h-8z" fill="#5d6b7b"/>
    <path d="M196 224h8l-4 12z" fill="#2b3440"/><rect x="190" y="150" width="20" height="6" rx="3"
      fill="#2a9d8f"/></g>"""

TABLET_COVER: Final = """
    <path d="M104 232L158 74h178l-42 158z" fill="#2b3440"/><path d="M168 86h152l-36 134H122z" fill="#d7ebf0"/>
    <path d="M168 86h152l-14 52q-70 -26 -158 8z" fill="#f4fafb"/>
    <path d="M66 250L148 92l12 -18L104 232h190l-6 18z" fill="#c8553d"/><path d="M66 250L148 92l6 62 -34 78 -16 18z"
      fill="#a8432f"/><path d="M120 232h174l-6 18H104z" fill="#dd7a64"/>"""

LENS: Final = """
    <path d="M112 106h176l-12 144H124z" fill="#333d4a"/><ellipse cx="200" cy="106" rx="92" ry="34" fill="#46525f"/>
    <ellipse cx="200" cy="104" rx="76" ry="26" fill="#1d2632"/><ellipse cx="200" cy="106" rx="58" ry="19"
      fill="#4d6fa3"/>
    <ellipse cx="200" cy="109" rx="36" ry="11" fill="#263a5c"/><ellipse cx="172" cy="99" rx="17" ry="5" fill="#fff"
      opacity=".7"/>
    <path d="M116 152q84 32 168 0l-3 36q-81 30 -162 0z" fill="#242c36"/>
    <path d="M132 164v34M148 169v34M164 172v35M182 174v36M200 175v36M218 174v36M236 172v35M252 169v34M268 164v34"
      stroke="#56636f" stroke-width="5"/>
    <path d="M122 218q78 28 156 0l-1 9q-77 28 -154 0z" fill="#e2725b"/>"""

TRIPOD: Final = """
    <path d="M192 118L128 250M208 118L272 250" stroke="#39444f" stroke-width="13" stroke-linecap="round"/>
    <path d="M200 118V246" stroke="#55626f" stroke-width="13" stroke-linecap="round"/>
    <path d="M168 168L144 218M232 168L256 218" stroke="#8c98a6" stroke-width="6" stroke-linecap="round"/>
    <path d="M164 178L200 194L236 178" fill="none" stroke="#8c98a6" stroke-width="5"/>
    <rect x="178" y="96" width="44" height="34" rx="9" fill="#2b3440"/><rect x="193" y="74" width="14" height="26"
      fill="#55626f"/><rect x="162" y="60" width="76" height="17" rx="6" fill="#2b3440"/>
    <path d="M222 84L276 100" stroke="#2b3440" stroke-width="9" stroke-linecap="round"/>
    <path d="M258 95L280 101" stroke="#e2725b" stroke-width="13" stroke-linecap="round"/>"""

MEMORY_CARD: Final = """
    <path d="M130 66h104l38 38v134q0 12 -12 12H130q-12 0 -12 -12V78q0 -12 12 -12z" fill="#35507a"/>
    <path d="M136 82v34M154 82v34M172 82v34M190 82v34M208 82v34M226 82v34" stroke="#f2c66d" stroke-width="10"
      stroke-linecap="round"/>
    <rect x="134" y="136" width="122" height="96" rx="9" fill="#f6f8fb"/>
    <path d="M150 204l28 -36 20 22 14 -14 28 28z" fill="#2a9d8f"/><circle cx="228" cy="160" r="10" fill="#f2b134"/>
    <path d="M118 138h-6v26h6z" fill="#e9eef3"/>"""

SCANNER: Final = """
    <path d="M104 202L132 64h170l14 20 -20 118z" fill="#4b5a6b"/><path d="M124 192l22 -116h146l-18 116z"
      fill="#f4f7fa"/>
    <path d="M158 100h104M155 118h104M152 136h72" stroke="#c9d3dd" stroke-width="6" stroke-linecap="round"/>
    <path d="M80 202h240v34q0 14 -14 14H94q-14 0 -14 -14z" fill="#8c98a6"/><path d="M92 208h216v12H92z" fill="#cfe9ff"/>
    <path d="M190 208h22v12h-22z" fill="#fff"/><path d="M160 208h76v12h-76z" fill="#7fd3ff" opacity=".8"/>
    <circle cx="292" cy="236" r="5" fill="#6fe08a"/><rect x="104" y="232" width="44" height="7" rx="3.5"
      fill="#6a7786"/>"""

GOWN: Final = """
    <path d="M166 62q34 22 68 0l36 14 48 112 -38 18 -22 -44 10 88H132l10 -88 -22 44 -38 -18 48 -112z" fill="#4fa3a5"/>
    <path d="M166 62q34 22 68 0l-8 -6q-26 14 -52 0z" fill="#2f7c7f"/>
    <path d="M82 188l38 18 6 -13 -37 -19zM318 188l-38 18 -6 -13 37 -19z" fill="#d9efef"/>
    <path d="M140 168h120" stroke="#2f7c7f" stroke-width="7"/><path d="M226 168l20 34M232 168l2 40" stroke="#2f7c7f"
      stroke-width="6" stroke-linecap="round"/><path d="M166 78q-4 40 -6 80M160 184l-4 62" stroke="#3f9092"
      stroke-width="3"
      fill="none"/>"""

CAP: Final = """
    <path d="M302 196q34 8 42 40M300 206q20 16 18 40" fill="none" stroke="#2f7c7f" stroke-width="8"
      stroke-linecap="round"/>
    <path d="M92 196q-8 -120 108 -120t108 120z" fill="#62b5b7"/>
    <path d="M136 186q-4 -64 34 -100M200 184V78M264 186q4 -64 -34 -100" fill="none" stroke="#4a9a9c" stroke-width="4"/>
    <path d="M84 190q116 -34 232 0v38q-116 -34 -232 0z" fill="#3d8b8e"/>
    <path d="M96 204q104 -28 208 0" fill="none" stroke="#8fd0d1" stroke-width="3" stroke-dasharray="7 6"/>"""

DIALYSIS: Final = """
    <path d="M312 60v176M290 60h44" stroke="#8c98a6" stroke-width="7" stroke-linecap="round"/>
    <path d="M298 72h28v44q0 8 -14 8t-14 -8z" fill="#bfe3ff"/><path d="M298 92h28v24q0 8 -14 8t-14 -8z" fill="#8cc8f0"/>
    <path d="M312 124q4 44 -54 42" fill="none" stroke="#8cc8f0" stroke-width="5"/>
    <rect x="116" y="56" width="136" height="180" rx="14" fill="#f6f9fc"/><rect x="116" y="204" width="136" height="32"
      rx="12" fill="#b9c7d4"/><rect x="130" y="70" width="108" height="56" rx="7" fill="#23415e"/>
    <path d="M138 100h22l8 -16 12 30 9 -20 6 6h34" fill="none" stroke="#6fe0c0" stroke-width="4"/>
    <circle cx="160" cy="164" r="24" fill="#dbe5ee"/><circle cx="160" cy="164" r="11" fill="#8c98a6"/>
    <circle cx="214" cy="164" r="24" fill="#dbe5ee"/><circle cx="214" cy="164" r="11" fill="#8c98a6"/>
    <path d="M136 164a24 24 0 0 1 48 0M190 164a24 24 0 0 1 48 0" fill="none" stroke="#d64545" stroke-width="6"/>
    <path d="M136 164q-44 8 -48 44" fill="none" stroke="#d64545" stroke-width="6"/>
    <rect x="78" y="140" width="20" height="84" rx="9" fill="#f3c9c9"/><path d="M78 164h20v36H78z" fill="#d64545"/>
    <circle cx="140" cy="242" r="9" fill="#39444f"/><circle cx="228" cy="242" r="9" fill="#39444f"/>"""

PUMP: Final = """
    <rect x="104" y="78" width="192" height="172" rx="18" fill="#f6f9fc"/><rect x="104" y="214" width="192" height="36"
      rx="16" fill="#b9c7d4"/><rect x="122" y="96" width="156" height="62" rx="8" fill="#23415e"/>
    <path d="M138 128h30M138 140h52" stroke="#6fe0c0" stroke-width="6" stroke-linecap="round"/>
    <path d="M238 110q20 24 0 38q-20 -14 0 -38z" fill="#8cc8f0"/>
    <circle cx="146" cy="186" r="14" fill="#6fbf73"/><path d="M141 179l12 7 -12 7z" fill="#fff"/>
    <circle cx="188" cy="186" r="14" fill="#e2725b"/><rect x="183" y="181" width="10" height="10" fill="#fff"/>
    <rect x="216" y="174" width="60" height="24" rx="12" fill="#dbe5ee"/><path d="M230 186h32M246 179v14"
      stroke="#5d6b7b"
      stroke-width="4"/><path d="M296 132h22q14 0 14 18v94" fill="none" stroke="#8cc8f0" stroke-width="7"/>"""

TUBING: Final = """
    <g fill="none" stroke="#d64545" stroke-width="8" stroke-linecap="round"><circle cx="200" cy="152" r="82"/>
    <circle cx="200" cy="152" r="60"/></g><g fill="none" stroke="#4a90d9" stroke-width="8" stroke-linecap="round">
    <circle cx="200" cy="152" r="71"/><circle cx="200" cy="152" r="49"/><path d="M249 152q26 60 72 70"/></g>
    <path d="M118 152q-10 54 -32 78" fill="none" stroke="#d64545" stroke-width="8"/>
    <path d="M322 212l26 10 -7 19 -26 -10z" fill="#dbe5ee"/><path d="M76 222l22 8 -9 24 -22 -8z" fill="#dbe5ee"/>
    <rect x="176" y="120" width="48" height="64" rx="12" fill="#fff" opacity=".95"/><path d="M176 148h48v24q0 12 -12 12
      h-24q-12 0 -12 -12z" fill="#f3c9c9"/><path d="M200 124v20" stroke="#8c98a6" stroke-width="5"/>"""

IV_BAG: Final = """
    <path d="M200 64V44q0 -10 12 -10" fill="none" stroke="#8c98a6" stroke-width="7" stroke-linecap="round"/>
    <path d="M146 62h108q12 0 12 12v104q0 26 -30 32h-72q-30 -6 -30 -32V74q0 -12 12 -12z" fill="#eef7ff"/>
    <path d="M134 112q34 -14 66 0t66 0v66q0 26 -30 32h-72q-30 -6 -30 -32z" fill="#9fd3f5"/>
    <circle cx="200" cy="76" r="7" fill="#9fb4c6"/>
    <rect x="164" y="98" width="72" height="68" rx="6" fill="#fff"/><path d="M200 114v36M182 132h36" stroke="#d64545"
      stroke-width="10" stroke-linecap="round"/>
    <path d="M252 112h-10M252 132h-10M252 152h-10M252 172h-10" stroke="#5b8fb5" stroke-width="4"/>
    <rect x="176" y="206" width="14" height="22" rx="4" fill="#6aa8d6"/><rect x="210" y="206" width="14" height="22"
      rx="4"
      fill="#e2725b"/><path d="M183 228v22" stroke="#9fd3f5" stroke-width="6"/>"""

DEVICES: Final[dict[str, str]] = {
    "laptop": _laptop(220, "#cfe3f5", "#6f9bc4", "#fff3d1"),
    "laptop-plus": _laptop(244, "#f9dfc7", "#c9785a", "#fff6e3"),
    "laptop-studio": _laptop(268, "#2f3a68", "#7d6bb3", "#f6d58a"),
    "laptop-bag": LAPTOP_BAG,
    "software": SOFTWARE,
    "phone": _phone(88, 172, "#a9bccd", "#7fb3d8", 1),
    "phone-plus": _phone(96, 188, "#b9d0b4", "#79b592", 2),
    "phone-pro": _phone(100, 200, "#55506e", "#8e7cc3", 3),
    "phone-case": PHONE_CASE,
    "headphones": HEADPHONES,
    "tablet": TABLET,
    "touch-pen": TOUCH_PEN,
    "tablet-cover": TABLET_COVER,
    "camera": _camera("#b9c3cd", "#4b5663", '<circle cx="200" cy="97" r="7" fill="#dfe6ee"/>'),
    "camera-plus": _camera(
        "#3b4550", "#20272f", '<rect x="176" y="66" width="48" height="12" rx="3" fill="#8c98a6"/><rect x="182" y="88"'
        ' width="36" height="12" rx="3" fill="#e9eef3"/>',
    ),
    "lens": LENS,
    "tripod": TRIPOD,
    "memory-card": MEMORY_CARD,
    "printer": _printer("#eef2f6", 0, "#9fc7e8"),
    "printer-plus": _printer("#4f6d8f", 34, "#9fe0c9"),
    "scanner": SCANNER,
    "gloves": _glove(142, -8, "#7fb8e6", "#5a98cc") + _glove(254, 9, "#93c6ef", "#5a98cc"),
    "gloves-plus": _glove(142, -8, "#d9c2a0", "#b99a70") + _glove(254, 9, "#e5d2b5", "#b99a70"),
    "gown": GOWN,
    "cap": CAP,
    "dialysis": DIALYSIS,
    "pump": PUMP,
    "tubing": TUBING,
    "iv-bag": IV_BAG,
}  # fmt: skip
