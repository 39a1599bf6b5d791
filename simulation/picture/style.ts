/** How the page looks, in light and in dark. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --raised: #f6f7f9; --ink: #1c2330; --faint: #6b7482; --line: #d5dae2;
  --life: #8a94a6; --bytes: #2463c9; --good: #187a45; --warning: #96580a; --warning-band: #fdf0d0; --bad: #c5221f;
  --bad-band: #fde3e1; --choice: #d9e7ff; --trouble: #f0a92c; --stripe: #f8f9fb; --note-band: #e8f1ec; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181f; --raised: #1c222c; --ink: #e4e8ef; --faint: #95a0b1; --line: #333c4a; --life: #6f7b8d; --bytes: #7fb0ff;
    --good: #63cf93; --warning: #f2bd5b; --warning-band: #3a2f17; --bad: #ff8078; --bad-band: #4a2020; --choice: #23395f;
    --trouble: #d99a2b; --stripe: #181d25; --note-band: #1d2f28; }
}
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; background: var(--paper); color: var(--ink); font: 14px/1.4 system-ui, sans-serif; }
header { padding: 10px 16px; background: var(--raised); border-bottom: 1px solid var(--line); }
h1 { margin: 0; font-size: 17px; overflow-wrap: anywhere; }
#sum { margin: 2px 0 8px; color: var(--faint); overflow-wrap: anywhere; }
#violation { margin: 0 0 8px; padding: 6px 10px; border: 1px solid var(--bad); border-radius: 6px; background: var(--bad-band);
  overflow-wrap: anywhere; max-height: 7em; overflow: auto; }
#violation strong { color: var(--bad); }
#controls { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; }
.group { display: inline-flex; align-items: center; gap: 4px; }
button, input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: 3px 9px; }
button { cursor: pointer; }
button:hover { border-color: var(--faint); }
:focus-visible { outline: 2px solid var(--bytes); outline-offset: 1px; }
#scroller:focus-visible { outline-offset: -2px; }
output { min-width: 3.2em; text-align: center; color: var(--faint); }
fieldset { display: inline-flex; flex-wrap: wrap; gap: 2px 10px; border: 0; margin: 0; padding: 0; }
legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
label { white-space: nowrap; cursor: pointer; }
label .count { color: var(--faint); font-size: 12px; }
#nodes { position: relative; }
#nodes summary { cursor: pointer; }
#nodes > div { position: absolute; z-index: 3; right: 0; max-height: 50vh; overflow: auto; display: grid; padding: 8px 12px;
  background: var(--paper); border: 1px solid var(--line); border-radius: 6px; box-shadow: 0 6px 20px rgb(0 0 0 / 0.25); }
main { flex: 1; min-height: 0; display: flex; }
#scroller { flex: 1; min-width: 0; overflow: auto; position: relative; }
aside { width: 330px; flex: none; overflow: auto; padding: 12px 16px; border-left: 1px solid var(--line); background: var(--raised); }
aside h2 { font-size: 15px; margin: 0 0 4px; overflow-wrap: anywhere; }
aside dl { margin: 10px 0; font: 12px/1.45 ui-monospace, monospace; }
aside dt { color: var(--faint); margin-top: 6px; }
aside dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.hint { color: var(--faint); }
@media (max-width: 800px) { main { flex-direction: column; } aside { width: auto; height: 30%; border-left: 0; border-top: 1px solid var(--line); } }
svg { display: block; }
#heads { position: sticky; top: 0; z-index: 2; background: var(--paper); }
svg text { font: 12px ui-monospace, monospace; fill: var(--ink); }
#heads text { font: 600 13px system-ui, sans-serif; }
#heads .box { fill: var(--raised); stroke: var(--life); }
#heads .under { stroke: var(--line); }
.row { cursor: pointer; }
.row .hit { fill: transparent; }
.row.even .hit { fill: var(--stripe); }
.row.fault .hit { fill: var(--warning-band); }
.row.note .hit { fill: var(--note-band); }
.row.broken .hit { fill: var(--bad-band); stroke: var(--bad); stroke-width: 1.5; }
.row:hover .hit { stroke: var(--faint); stroke-width: 1; }
.row.chosen .hit { fill: var(--choice); stroke: var(--bytes); stroke-width: 1.5; }
.row.broken.chosen .hit { stroke: var(--bad); stroke-width: 2.5; }
.row .time, .row .who, .gap text { fill: var(--faint); }
.gap line { stroke: var(--line); stroke-dasharray: 2 4; }
.good text.text { fill: var(--ink); }
.warning text.text { fill: var(--warning); }
.bad text.text { fill: var(--bad); }
.life { stroke: var(--life); stroke-width: 1.5; }
.death { stroke: var(--line); stroke-dasharray: 3 4; }
.trouble { fill: var(--trouble); opacity: 0.16; }
.marks { pointer-events: none; }
.arrow { stroke: var(--bytes); stroke-width: 1.2; fill: none; }
.arrow.far { stroke-dasharray: 4 3; }
.arrow.bad { stroke: var(--bad); stroke-dasharray: 5 3; }
.arrow.stream { stroke: var(--faint); stroke-dasharray: 2 3; }
.arrow.stream.bad { stroke: var(--bad); }
.arrow.message { stroke: var(--good); opacity: 0.75; }
.arrow.message.bad { stroke: var(--bad); stroke-dasharray: none; }
.arrow.lit { stroke-width: 3; opacity: 1; }
.tip { fill: var(--bytes); }
.tip.bad { fill: var(--bad); }
.tip.stream { fill: var(--faint); }
.mark { fill: var(--paper); stroke: var(--faint); stroke-width: 1.5; }
.mark.bytes { stroke: var(--bytes); fill: var(--bytes); }
.mark.message { stroke: var(--good); }
.mark.message.good { fill: var(--good); }
.mark.log { fill: var(--faint); }
.mark.fault, .mark.warning { fill: var(--trouble); stroke: var(--warning); }
.mark.node { fill: var(--good); stroke: var(--good); }
.mark.stopped { fill: var(--life); stroke: var(--life); }
.cross { stroke: var(--bad); stroke-width: 2.2; fill: none; }
text.label { font: 11px system-ui, sans-serif; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
text.label.bytes { fill: var(--bytes); }
text.label.bad { fill: var(--bad); font-weight: 600; }
text.label.warning { fill: var(--warning); }
text.label.node { font-weight: 600; }
`;
