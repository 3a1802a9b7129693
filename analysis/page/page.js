"use strict";
// Draws the figures, sorts the tables, saves figures as files. Colours are CSS variables, also inside the figures: the
// browser follows dark mode and print by itself, and a saved figure gets the values of `.paper`.

const page = JSON.parse(document.getElementById("figures").textContent);
const views = new Map();

function rows({ columns, rows }) {
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}

function complete(name) {
  const spec = page.figures[name];
  const datasets = Object.fromEntries(spec.uses.map((used) => [used, rows(page.data[used])]));
  return { ...spec.chart, config: page.config, datasets };
}

async function draw(figure) {
  const name = figure.dataset.figure;
  const place = figure.querySelector(".view");
  const description = place.getAttribute("aria-label");
  try {
    const { view } = await vegaEmbed(place, complete(name), {
      actions: false,
      ast: true, // expressions are interpreted: the page's policy forbids eval
      defaultStyle: false,
      logLevel: 1, // errors: that a height follows from its rows is no news
      renderer: "svg",
      tooltip: { theme: "page", disableDefaultStyle: true },
    });
    views.set(name, view);
    // The element around the drawing is the image, with the page's description; the drawing's parts have no names.
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", description);
    place.querySelector("svg").setAttribute("aria-hidden", "true");
    for (const select of figure.querySelectorAll("select")) {
      select.addEventListener("change", () => view.signal(select.dataset.signal, select.value).runAsync());
    }
    figure.dataset.drawn = "yes";
  } catch (error) {
    place.textContent = `This figure could not be drawn: ${error.message}`;
    place.classList.add("failed");
    console.error(error);
  }
}

// ---- saving

function onPaper(text) {
  const paper = getComputedStyle(document.getElementById("paper"));
  return text.replace(/var\((--[\w-]+)\)/g, (_, name) => paper.getPropertyValue(name).trim());
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

async function exported(figure, kind) {
  const name = figure.dataset.figure;
  const text = onPaper(await views.get(name).toSVG());
  const svg = new Blob([text], { type: "image/svg+xml" });
  if (kind === "svg") return save(svg, `${name}.svg`);
  const scale = 3; // three dots per pixel: sharp at the width of a column
  const image = new Image();
  image.src = URL.createObjectURL(svg);
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), {
    width: image.naturalWidth * scale,
    height: image.naturalHeight * scale,
  });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return canvas.toBlob((png) => save(png, `${name}.png`), "image/png");
}

// ---- sorting

const alphabet = new Intl.Collator("en", { numeric: true });

function key(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.sort === undefined) return cell.textContent;
  return cell.dataset.sort === "" ? null : Number(cell.dataset.sort);
}

function sort(button) {
  const heading = button.closest("th");
  const table = heading.closest("table");
  const falling = heading.getAttribute("aria-sort") === "ascending" ||
    (!heading.hasAttribute("aria-sort") && heading.classList.contains("number"));
  const column = heading.cellIndex;
  const keyed = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
  keyed.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null); // what is absent stays last
    const order = typeof a === "number" ? a - b : alphabet.compare(a, b);
    return falling ? -order : order;
  });
  table.tBodies[0].append(...keyed.map(([, row]) => row));
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  const direction = falling ? "descending" : "ascending";
  heading.setAttribute("aria-sort", direction);
  document.getElementById("said").textContent = `Sorted by ${button.textContent}, ${direction}.`;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".sort")) sort(button);
  if (button?.dataset.export) exported(button.closest("figure"), button.dataset.export);
});

Promise.all([...document.querySelectorAll("figure[data-figure]")].map(draw)).then(() => {
  document.body.dataset.drawn = "yes";
});
