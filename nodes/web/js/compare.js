// Before and after on the simple node: a slider over the picture, and one line that says what was done.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";

const NODE_ID = "VQFR_Restore";
const WIDGET = "vqfr_compare";
const MIN_HEIGHT_PX = 220;

const STYLE = `
.vqfr-compare { display: flex; flex-direction: column; gap: 4px; height: 100%; overflow: hidden; font: 12px sans-serif; }
.vqfr-compare .pictures { position: relative; flex: 1; min-height: 0; }
.vqfr-compare img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; pointer-events: none; }
.vqfr-compare .after { clip-path: inset(0 0 0 var(--cut)); }
.vqfr-compare .line { position: absolute; top: 0; bottom: 0; left: var(--cut); width: 2px; margin-left: -1px;
  background: #fff; box-shadow: 0 0 3px #000; pointer-events: none; }
.vqfr-compare input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
.vqfr-compare input:focus-visible + .line { background: #4af; }
.vqfr-compare p { margin: 0; text-align: center; opacity: 0.8; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
`;

function addStyle() {
  const style = document.createElement("style");
  style.textContent = STYLE;
  document.head.append(style);
}

function make(tag, className, parent) {
  const element = document.createElement(tag);
  element.className = className;
  parent.append(element);
  return element;
}

function makeCompare() {
  const root = document.createElement("div");
  root.className = "vqfr-compare";
  const pictures = make("div", "pictures", root);
  const before = make("img", "before", pictures);
  const after = make("img", "after", pictures);
  const slider = make("input", "", pictures);
  make("div", "line", pictures);
  const summary = make("p", "", root);
  Object.assign(slider, { type: "range", min: 0, max: 100, step: 0.1, value: 50 });
  slider.setAttribute("aria-label", "before and after");

  // The picture is letterboxed in its box, so the slider's range is not the box's width.
  const place = () => {
    const box = pictures.getBoundingClientRect();
    const scale = Math.min(box.width / (after.naturalWidth || 1), box.height / (after.naturalHeight || 1));
    const share = box.width ? Math.min(1, (after.naturalWidth * scale) / box.width) : 1;
    root.style.setProperty("--cut", `${(1 - share) * 50 + share * slider.value}%`);
  };
  slider.addEventListener("input", place);
  after.addEventListener("load", place);
  new ResizeObserver(place).observe(pictures);
  return { root, before, after, summary };
}

function pictureUrl({ filename, subfolder, type }) {
  return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}

function show(node, output) {
  const [before] = output.vqfr_before ?? [];
  const [after] = output.vqfr_after ?? [];
  if (!before || !after) return;
  if (!node.vqfrCompare) {
    node.vqfrCompare = makeCompare();
    const widget = node.addDOMWidget(WIDGET, "VQFR_COMPARE", node.vqfrCompare.root, {
      serialize: false,
      hideOnZoom: false,
      getMinHeight: () => MIN_HEIGHT_PX,
    });
    widget.serialize = false; // neither in the prompt nor in the saved graph
    const [width, height] = node.computeSize();
    node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)]);
  }
  const compare = node.vqfrCompare;
  compare.before.src = pictureUrl(before);
  compare.after.src = pictureUrl(after);
  compare.summary.textContent = output.vqfr_summary?.[0] ?? "";
  compare.summary.title = compare.summary.textContent;
  node.setDirtyCanvas(true, true);
}

app.registerExtension({
  name: "vqfr.compare",
  setup: addStyle,
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (nodeData.name !== NODE_ID) return;
    const onExecuted = nodeType.prototype.onExecuted;
    nodeType.prototype.onExecuted = function (output) {
      onExecuted?.apply(this, arguments);
      show(this, output);
    };
  },
});
