// Before and after under a slider, both moved and zoomed together. What is chosen is kept in style properties of the
// component around it, whose content is replaced with each result.
(() => {
  if (window.vqfrComparing) return;
  window.vqfrComparing = true;

  const STEP = 1.5, MOST = 16, MOVE_PX = 60;
  const compareOf = (node) => node.closest?.(".vqfr-compare");
  const holderOf = (compare) => compare.parentElement.closest("[id]");
  const stageOf = (compare) => compare.querySelector(".vqfr-stage");
  const viewOf = (compare) => (holderOf(compare).view ??= { zoom: 1, x: 0, y: 0 });
  const clamped = (value, low, high) => Math.min(Math.max(value, low), high);

  // CSS pixels of the stage for each of the screen's pixels of the picture
  const fullZoom = (compare) => compare.dataset.width / (stageOf(compare).clientWidth * window.devicePixelRatio);

  function divide(compare, percent) {
    holderOf(compare).style.setProperty(`--at-${compare.dataset.name}`, `${clamped(percent, 0, 100)}%`);
    compare.querySelector("input").value = percent;
  }

  function look(compare, zoom, x, y) {
    const { clientWidth: width, clientHeight: height } = stageOf(compare);
    const within = (at, size) => (zoom < 1 ? (size - size * zoom) / 2 : clamped(at, size - size * zoom, 0));
    const view = Object.assign(viewOf(compare), { zoom, x: within(x, width), y: within(y, height) });
    const holder = holderOf(compare);
    holder.style.setProperty("--zoom", zoom);
    holder.style.setProperty("--x", `${view.x}px`);
    holder.style.setProperty("--y", `${view.y}px`);
    holder.classList.toggle("vqfr-close", zoom > 1);
    sharpen(compare);
  }

  // The page shows reduced pictures until somebody looks closer.
  function sharpen(compare) {
    const image = compare.querySelector("img");
    const seen = stageOf(compare).clientWidth * viewOf(compare).zoom * window.devicePixelRatio;
    if (!image.naturalWidth || image.naturalWidth >= Math.min(seen, compare.dataset.width)) return;
    if (viewOf(compare).zoom > 1) compare.closest(".vqfr-desk").querySelector(".vqfr-closer").click();
  }

  // About a point of the stage, in its pixels; its middle by default.
  function zoomTo(compare, wanted, x = stageOf(compare).clientWidth / 2, y = stageOf(compare).clientHeight / 2) {
    const view = viewOf(compare);
    const zoom = clamped(wanted, Math.min(1, fullZoom(compare)), MOST);
    const by = zoom / view.zoom;
    look(compare, zoom, x - (x - view.x) * by, y - (y - view.y) * by);
  }

  function placeIn(compare, event) {
    const { left, top } = stageOf(compare).getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  const tools = {
    fit: (compare) => zoomTo(compare, 1),
    full: (compare) => zoomTo(compare, fullZoom(compare)),
    in: (compare) => zoomTo(compare, viewOf(compare).zoom * STEP),
    out: (compare) => zoomTo(compare, viewOf(compare).zoom / STEP),
    screen: (compare) => (document.fullscreenElement ? document.exitFullscreen() : holderOf(compare).requestFullscreen()),
  };

  const moves = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

  document.addEventListener("click", ({ target }) => {
    const tool = target.closest?.(".vqfr-tools [data-zoom]");
    if (tool) tools[tool.dataset.zoom](compareOf(tool));
  });

  document.addEventListener("input", ({ target }) => {
    if (target.matches(".vqfr-tools input")) divide(compareOf(target), target.value);
  });

  // Replaced pictures go on where the former ones were.
  document.addEventListener("load", ({ target }) => {
    const compare = target.matches?.(".vqfr-stage img") && compareOf(target);
    if (!compare) return;
    const kept = holderOf(compare).style.getPropertyValue(`--at-${compare.dataset.name}`);
    if (kept) compare.querySelector("input").value = parseFloat(kept);
    sharpen(compare);
  }, true);

  document.addEventListener("pointerdown", (event) => {
    const stage = event.target.closest?.(".vqfr-stage");
    if (!stage || event.button) return;
    const compare = compareOf(stage), view = { ...viewOf(compare) };
    const isMoving = holderOf(compare).classList.contains("vqfr-close");
    const follow = (to) => {
      if (isMoving) look(compare, view.zoom, view.x + to.clientX - event.clientX, view.y + to.clientY - event.clientY);
      else divide(compare, (100 * placeIn(compare, to)[0]) / stage.clientWidth);
    };
    const leave = () => stage.removeEventListener("pointermove", follow);
    stage.setPointerCapture(event.pointerId);
    stage.addEventListener("pointermove", follow);
    stage.addEventListener("pointerup", leave, { once: true });
    stage.addEventListener("pointercancel", leave, { once: true });
    if (!isMoving) follow(event);
  });

  document.addEventListener("dragstart", (event) => {
    if (event.target.closest?.(".vqfr-stage")) event.preventDefault();
  });

  document.addEventListener("dblclick", (event) => {
    const stage = event.target.closest?.(".vqfr-stage[tabindex]");
    if (!stage) return;
    const compare = compareOf(stage);
    zoomTo(compare, viewOf(compare).zoom > 1 ? 1 : Math.max(fullZoom(compare), 2), ...placeIn(compare, event));
  });

  document.addEventListener("wheel", (event) => {
    const stage = event.target.closest?.(".vqfr-stage[tabindex]");
    if (!stage || !(event.ctrlKey || holderOf(compareOf(stage)).classList.contains("vqfr-close"))) return;
    event.preventDefault();
    const compare = compareOf(stage);
    zoomTo(compare, viewOf(compare).zoom * STEP ** (-event.deltaY / 100), ...placeIn(compare, event));
  }, { passive: false });

  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.(".vqfr-stage[tabindex]")) return;
    const compare = compareOf(event.target), view = viewOf(compare);
    const tool = { "+": "in", "=": "in", "-": "out", 0: "fit", 1: "full" }[event.key];
    const [right, down] = moves[event.key] ?? [];
    if (tool) tools[tool](compare);
    else if (right !== undefined) look(compare, view.zoom, view.x + right * MOVE_PX, view.y + down * MOVE_PX);
    else return;
    event.preventDefault();
  });
})();
