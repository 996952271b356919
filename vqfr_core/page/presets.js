// Settings by name, kept in this browser.
window.vqfrPresets ??= (() => {
  const PLACE = "vqfr presets";
  const read = () => JSON.parse(localStorage.getItem(PLACE) ?? "{}");
  const write = (presets) => localStorage.setItem(PLACE, JSON.stringify(presets));
  const offered = () => ({ __type__: "update", choices: Object.keys(read()).sort().map((name) => [name, name]) });

  return {
    offered,
    save(names, name, values) {
      if (!name?.trim()) return { ...offered(), value: "my preset" };
      write({ ...read(), [name]: Object.fromEntries(names.map((each, place) => [each, values[place]])) });
      return { ...offered(), value: name };
    },
    use(names, name, values) {
      const kept = read()[name] ?? {};
      return names.map((each, place) => kept[each] ?? values[place]); // settings newer than the preset stay
    },
    remove(name) {
      const presets = read();
      delete presets[name];
      write(presets);
      return { ...offered(), value: null };
    },
  };
})();
