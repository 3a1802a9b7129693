// Fills the map of languages for the chosen intermediate task and target. Its tiles are in the page already.

function fillMap(map) {
  const chosen = Object.fromEntries([...map.querySelectorAll("select")].map((each) => [each.dataset.signal, each.value]));
  const shown = new Map();
  for (const row of rows(page.data[map.dataset.map])) {
    if (row.intermediate === chosen.intermediate && row.target === chosen.target) shown.set(`${row.level} ${row.key}`, row);
  }
  const rowOf = (tile) => shown.get(tile.dataset.place);
  for (const tile of map.querySelectorAll("[data-place]")) {
    tile.querySelector("strong").textContent = rowOf(tile)?.label ?? "–";
    tile.dataset.step = rowOf(tile)?.step ?? "";
    tile.hidden = !rowOf(tile); // the target does not have the language, or none of the family
  }
  for (const list of map.querySelectorAll(".tiles")) {
    const gain = (tile) => rowOf(tile)?.gain ?? -Infinity;
    const tiles = [...list.children].sort((a, b) => gain(b) - gain(a) || alphabet.compare(a.dataset.place, b.dataset.place));
    list.append(...tiles);
  }
  document.getElementById("said").textContent = `Gains of ${chosen.intermediate}, ${chosen.target}.`;
}

for (const map of document.querySelectorAll("figure[data-map]")) {
  map.addEventListener("change", () => fillMap(map));
}
