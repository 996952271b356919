"""The page's style sheet and scripts, inlined because a WebUI takes none from a tab.

A <script> in a gr.HTML does not run, but what happens when a style sheet is loaded does.
"""

from html import escape
from pathlib import Path

_SCRIPTS = ("arrivals.js", "comparing.js", "presets.js")
_RULES = """
.vqfr-flat, .vqfr-flat > * { padding: 0 !important; }
.vqfr-flat > .vqfr-said, .vqfr-said { padding: 8px 12px !important; }
.vqfr-said { border-radius: 8px; border-left: 4px solid #8aa; background: rgba(128, 140, 150, .14);
  overflow-wrap: anywhere; }
.vqfr-done { border-color: #2a9d5c; }
.vqfr-error { border-color: #d33; background: rgba(220, 50, 50, .14); }
.vqfr-report table { border-collapse: collapse; width: 100%; }
.vqfr-report th, .vqfr-report td { text-align: left; padding: 4px 10px; border-bottom: 1px solid #8886; }
.vqfr-report ul { padding-left: 1.2em; list-style: disc; }
.vqfr-log { max-height: 22em; overflow: auto; }
.vqfr-log li { overflow-wrap: anywhere; padding: 2px 0; }
.vqfr-bar { height: 8px; border-radius: 4px; background: rgba(128, 140, 150, .25); margin: 6px 0; }
.vqfr-bar i { display: block; height: 100%; border-radius: 4px; background: #2563eb; transition: width .2s; }
.vqfr-stage { position: relative; width: min(100%, 70vh * var(--ratio)); margin: auto; overflow: hidden;
  cursor: ew-resize; touch-action: pan-y; user-select: none; }
:fullscreen .vqfr-stage { width: min(100vw, 90vh * var(--ratio)); }
.vqfr-stage > div { position: absolute; inset: 0; overflow: hidden; }
.vqfr-stage > div + div { clip-path: inset(0 0 0 var(--at)); }
.vqfr-stage img { position: absolute; inset: 0; width: 100%; height: 100%; max-width: none; margin: 0;
  transform-origin: 0 0; transform: translate(var(--x, 0), var(--y, 0)) scale(var(--zoom, 1)); }
.vqfr-close .vqfr-stage { cursor: grab; touch-action: none; }
.vqfr-stage i { position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px; margin-left: -1px; background: #fff;
  box-shadow: 0 0 3px #000; }
.vqfr-stage b { position: absolute; bottom: 8px; left: 8px; padding: 1px 8px; border-radius: 4px;
  color: #fff !important; background: rgba(0, 0, 0, .7); font-weight: normal; }
.vqfr-stage b + b { left: auto; right: 8px; }
.vqfr-tools { display: flex; flex-wrap: wrap; align-items: center; gap: 4px; padding: 6px 0; }
.vqfr-tools input { flex: 1 1 160px; min-width: 40px; accent-color: #2563eb; }
.vqfr-tools > * { margin: 0 !important; }
.vqfr-tools button { min-width: 36px !important; min-height: 32px; padding: 2px 8px !important; border-radius: 6px;
  font-weight: normal !important; background: rgba(128, 140, 150, .2); }
.vqfr-crops { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 12px; }
.vqfr-crops figcaption { text-align: center; }
.vqfr-closer { display: none !important; }
.vqfr-desk { display: grid !important; grid-template-columns: minmax(300px, 2fr) minmax(300px, 3fr);
  grid-template-rows: auto 1fr; }
.vqfr-desk > * { min-width: 0 !important; }
.vqfr-desk > .vqfr-views { grid-area: 1 / 2 / 3 / 3; position: sticky; top: 8px; align-self: start; }
@media (max-width: 760px) {
  .vqfr-desk { display: flex !important; flex-direction: column; flex-wrap: nowrap; }
  .vqfr-desk > * { width: 100% !important; }
  .vqfr-desk > .vqfr-views { position: static; align-self: stretch; }
}
.vqfr-small { align-self: end; height: auto; flex-grow: 0 !important; }
.vqfr-faces img { cursor: pointer; max-height: 75vh; object-fit: contain; }
#vqfr_page_title h1 { font-size: 1.4em; margin: 0; }
[id^="vqfr_"][id$="_tabs"] :is(input, button, a, select, textarea, [tabindex="0"]):focus-visible {
  outline: 3px solid #3b82f6 !important; outline-offset: 2px; }
body:not(.dark) [id^="vqfr_"][id$="_tabs"] :is(.or, .min_value, .max_value) { color: #52525b !important; }
body:not(.dark) #vqfr_page_tabs [role="tab"][aria-selected="true"] { color: #1d4ed8; }
.vqfr-thumbnail { max-height: 120px; max-width: 100%; margin: 0 auto; border-radius: 8px; }
.vqfr-thumbnail[hidden] { display: none; }
.vqfr-samples { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.vqfr-sample { padding: 0 !important; min-width: 0 !important; background: none !important; }
.vqfr-sample img { height: 56px; margin: 0; border-radius: 6px; }
.vqfr-desk:has(.vqfr-photo a[href]) .vqfr-samples { display: none; }
"""


def style_html() -> str:
    """The element that brings both."""
    scripts = "".join(Path(__file__).with_name(name).read_text("utf-8") for name in _SCRIPTS)
    return f'<style onload="{escape(scripts)}">{_RULES}</style>'
