// Shows the page in a visitor's language: replaces the English texts it knows, as they appear, as the WebUI does with its tabs.
(language, phrases) => {
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const place = /\{(.*?)\}/g;
  const patterns = Object.keys(phrases).filter((english) => english.includes("{")).map((english) => ({
    whole: new RegExp(`^${english.split(/\{.*?\}/).map(escaped).join("(.+)")}$`, "s"),
    names: [...english.matchAll(place)].map((found) => found[1]),
    text: phrases[english],
  }));
  const lookedUp = (text) => {
    if (Object.hasOwn(phrases, text)) return phrases[text];
    for (const { whole, names, text: to } of patterns) {
      const found = whole.exec(text);
      if (found) return to.replace(place, (_, name) => lookedUp(found[names.indexOf(name) + 1]));
    }
    return text;
  };
  const translated = (text) => text.replace(/\S.*\S|\S/s, lookedUp);

  const names = ["aria-label", "placeholder", "title", "alt"];
  const kept = "textarea, script, style, [role=option], [id$=_json]";  // values and data
  const translateText = (node) => {
    if (node.parentElement?.closest(kept)) return;
    const text = translated(node.data);
    if (text !== node.data) node.data = text;
  };
  const translateNames = (element) => {
    for (const name of names.filter((name) => element.hasAttribute(name))) {
      const text = translated(element.getAttribute(name));
      if (text !== element.getAttribute(name)) element.setAttribute(name, text);
    }
  };
  const translate = (root) => {
    if (root.nodeType === Node.TEXT_NODE) return translateText(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    [root, ...root.querySelectorAll("*")].forEach(translateNames);
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) translateText(texts.currentNode);
  };

  document.documentElement.lang = language;
  translate(document.body);
  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") translateNames(target);
      else if (type === "characterData") translateText(target);
      else addedNodes.forEach(translate);
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true, attributeFilter: names });
}
