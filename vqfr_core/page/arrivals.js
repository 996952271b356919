// How photographs come in besides the field itself: dropped anywhere beside it, also onto the first, pasted, or samples.
// Buttons that need the photograph wait while it is on its way.
// (It runs as a handler of an element, where URL alone is the address of the document.)
(() => {
  if (window.vqfrArrivals) return;
  window.vqfrArrivals = true;

  const deskOf = (node) => node.closest?.(".vqfr-desk");
  const fieldOf = (node) => deskOf(node)?.querySelector(".vqfr-photo");
  const inputOf = (field) => field.querySelector("input[type=file]");
  const isFilled = (field) => field.querySelector("a[href]") !== null;

  async function until(isSo) {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 30));
  }

  async function put(field, file) {
    if (isFilled(field)) field.querySelector("button").click(); // its cross
    await until(() => inputOf(field));
    const files = new DataTransfer();
    files.items.add(file);
    inputOf(field).files = files.files;
    inputOf(field).dispatchEvent(new Event("change", { bubbles: true }));
  }

  const thumbnailOf = (field) => deskOf(field).querySelector(".vqfr-thumbnail");

  function showThumbnail(field, file) {
    const thumbnail = thumbnailOf(field);
    window.URL.revokeObjectURL(thumbnail.src);
    thumbnail.hidden = true; // of a format that the browser does not know, there is none
    thumbnail.onload = () => (thumbnail.hidden = false);
    thumbnail.src = window.URL.createObjectURL(file);
  }

  // An upload that failed leaves the field empty, with an input of its own.
  const isArriving = (field) =>
    field.taken && !isFilled(field) && [null, field.taken].includes(inputOf(field));

  async function waitThenPress(button, field) {
    if (button.isWaiting) return;
    button.isWaiting = true;
    deskOf(field).querySelector(".vqfr-said").textContent = "Waiting for the photograph";
    await until(() => !isArriving(field));
    button.isWaiting = false;
    button.click();
  }

  function listen(kind, act) {
    document.addEventListener(kind, act, true);
  }

  function take(event, field, file) {
    event.preventDefault();
    event.stopPropagation();
    put(field, file);
  }

  listen("change", ({ target }) => {
    const field = target.type === "file" && target.closest(".vqfr-photo");
    if (!field || !target.files.length) return;
    field.taken = target;
    showThumbnail(field, target.files[0]);
    until(() => !isArriving(field)).then(() => isFilled(field) || (thumbnailOf(field).hidden = true));
  });

  listen("click", (event) => {
    const field = fieldOf(event.target);
    if (!field) return;
    if (event.target.closest(".vqfr-photo button") && isFilled(field)) thumbnailOf(field).hidden = true;
    const sample = event.target.closest(".vqfr-sample");
    const button = event.target.closest(".vqfr-waits");
    if (sample) {
      const { src, alt } = sample.querySelector("img");
      fetch(src).then((answer) => answer.blob()).then((blob) => put(field, new File([blob], alt, { type: blob.type })));
    } else if (button && isArriving(field)) {
      event.preventDefault();
      event.stopPropagation();
      waitThenPress(button, field);
    }
  });

  listen("dragover", (event) => {
    if (fieldOf(event.target) && event.dataTransfer.types.includes("Files")) event.preventDefault();
  });

  listen("drop", (event) => {
    const field = fieldOf(event.target);
    if (field && event.dataTransfer.files.length) take(event, field, event.dataTransfer.files[0]);
  });

  listen("paste", (event) => {
    const { files, types } = event.clipboardData;
    const picture = [...files].find((file) => file.type.startsWith("image/"));
    const desk = [...document.querySelectorAll(".vqfr-desk")].find((each) => each.offsetParent);
    if (picture && desk && !types.includes("text/plain")) take(event, desk.querySelector(".vqfr-photo"), picture);
  });
})();
