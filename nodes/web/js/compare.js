// Before and after on the simple node: a slider over each picture of the batch, and one line that says what was done.

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
.vqfr-compare .pages { display: flex; justify-content: center; align-items: center; gap: 8px; }
.vqfr-compare .pages[hidden] { display: none; }
.vqfr-compare button { padding: 0 8px; font: inherit; color: inherit; background: none; border: 1px solid; border-radius: 4px;
  cursor: pointer; }
.vqfr-compare p { margin: 0; text-align: center; opacity: 0.8; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
`;

function addStyle() {
  const style = document.createElement("style");
  style.textContent = STYLE;
  document.head.append(style);
}

function make(tag, className, parent, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
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
  const pages = make("div", "pages", root);
  const back = make("button", "back", pages, "‹");
  const number = make("span", "", pages);
  const forth = make("button", "forth", pages, "›");
  const summary = make("p", "", root);
  Object.assign(slider, { type: "range", min: 0, max: 100, step: 0.1, value: 50 });
  slider.setAttribute("aria-label", "before and after");
  back.setAttribute("aria-label", "previous picture");
  forth.setAttribute("aria-label", "next picture");

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

  let output = {};
  let index = 0;
  const turn = (step) => {
    const count = output.vqfr_after.length;
    index = (index + step + count) % count;
    before.src = pictureUrl(output.vqfr_before[index]);
    after.src = pictureUrl(output.vqfr_after[index]);
    number.textContent = `${index + 1} / ${count}`;
  };
  back.addEventListener("click", () => turn(-1));
  forth.addEventListener("click", () => turn(1));
  const show = (newOutput) => {
    if (newOutput === output) return;
    [output, index] = [newOutput, 0];
    turn(0);
    pages.hidden = output.vqfr_after.length < 2;
    summary.textContent = summary.title = output.vqfr_summary?.[0] ?? "";
  };
  return { root, show };
}

function pictureUrl({ filename, subfolder, type }) {
  return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}

function show(node, output) {
  if (!output?.vqfr_before?.length || !output.vqfr_after?.length) return;
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
  node.vqfrCompare.show(output);
  node.setDirtyCanvas(true, true);
}

// "5" is a node of the graph itself, "UUID:5" one in a subgraph.
function findNode(locator) {
  const [id, subgraph] = locator.split(":").reverse();
  const graph = app.rootGraph ?? app.graph;
  return (subgraph ? graph.subgraphs?.get(subgraph) : graph)?.getNodeById(id);
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
  // After a change of the tab or an undo the page makes new nodes, and has kept the outputs.
  onNodeOutputsUpdated(outputs) {
    for (const [locator, output] of Object.entries(outputs)) {
      const node = findNode(locator);
      if (node?.comfyClass === NODE_ID) show(node, output);
    }
  },
});
