// Nodes without widgets are made as wide as their sockets need, which cuts their titles off.

import { app } from "../../../scripts/app.js";

const BESIDE_TITLE_PX = 60;
const LETTER_PX = 8.5;

app.registerExtension({
  name: "vqfr.fitTitle",
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith("VQFR_") || node.widgets?.length) return;
    const width = BESIDE_TITLE_PX + LETTER_PX * node.title.length;
    if (node.size[0] < width) node.setSize([width, node.size[1]]);
  },
});
