// Reads a figure without a mouse: the Tab key stops once at each figure, the arrow keys go from mark to mark, and a
// tap picks the nearest one. Vega shows the same tooltip as under a mouse; #said has its text for screen readers.

const MARKS = ".mark-rect.role-mark path, .mark-symbol.role-mark path";
const FINGER = 24; // pixels around a tap
let picked = null;

function tooltipOf(mark) {
  return mark.__data__?.tooltip; // Vega keeps the item that an element draws there
}

function placeOf(mark) {
  const { x1, y1, x2, y2 } = mark.__data__.bounds; // in the figure: these stay what they are when the page scrolls
  return { mark, x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
}

function boxOf(mark) {
  const boxes = [mark, mark.ownerSVGElement].map((element) => element.getBoundingClientRect());
  return boxes.find(({ width, height }) => width || height); // Firefox has no place for a bar without width
}

function marksIn(chart) {
  const marks = new Map(); // the text of a mark -> the mark: one that lies on another and says the same is left out
  for (const mark of chart.querySelectorAll(MARKS)) {
    const text = JSON.stringify(tooltipOf(mark));
    if (text && !marks.has(text)) marks.set(text, placeOf(mark));
  }
  const list = [...marks.values()];
  if (!chart.querySelector(".mark-rect.role-mark")) return list; // points: in the order of the data, line by line
  return list.sort((a, b) => (Math.abs(a.y - b.y) > 1 ? a.y - b.y : a.x - b.x));
}

function nextRow(marks, from, direction) {
  const beyond = marks.filter(({ y }) => direction * (y - from.y) > 1);
  const away = (mark) => Math.abs(mark.y - from.y) * 1e4 + Math.abs(mark.x - from.x);
  return beyond.reduce((best, mark) => (away(mark) < away(best) ? mark : best), beyond[0] ?? from);
}

const STEPS = {
  ArrowRight: (marks, at) => marks[Math.min(at + 1, marks.length - 1)],
  ArrowLeft: (marks, at) => marks[Math.max(at - 1, 0)],
  ArrowDown: (marks, at) => nextRow(marks, marks[at], 1),
  ArrowUp: (marks, at) => nextRow(marks, marks[at], -1),
  Home: (marks) => marks[0],
  End: (marks) => marks[marks.length - 1],
};

function release() {
  picked?.dispatchEvent(new MouseEvent("mouseout", { bubbles: true }));
  picked?.classList.remove("picked");
  picked = null;
}

function read(mark) {
  release();
  picked = mark;
  mark.classList.add("picked");
  mark.scrollIntoView({ behavior: "instant", block: "nearest", inline: "nearest" });
  const box = boxOf(mark);
  const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
  mark.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, ...at }));
  document.getElementById("vg-tooltip-element").setAttribute("aria-hidden", "true"); // its text is in #said
  const fields = Object.entries(tooltipOf(mark)).map(([name, value]) => `${name}: ${value}`);
  document.getElementById("said").textContent = fields.join("; ");
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") return release();
  const step = event.target.matches(".chart") && !event.ctrlKey && !event.metaKey && !event.altKey && STEPS[event.key];
  const marks = step ? marksIn(event.target) : [];
  if (!marks.length) return;
  event.preventDefault();
  const at = marks.findIndex(({ mark }) => mark === picked);
  read((at < 0 ? marks[0] : step(marks, at)).mark);
});

document.addEventListener("focusout", release);

document.addEventListener("click", (event) => {
  if (event.pointerType === "mouse" || event.detail === 0) return; // a mouse points; without a pointer it was a key
  release();
  const chart = event.target.closest(".chart");
  const distances = (chart ? marksIn(chart) : []).map(({ mark }) => {
    const { left, right, top, bottom } = boxOf(mark);
    const x = Math.max(left - event.clientX, 0, event.clientX - right);
    const y = Math.max(top - event.clientY, 0, event.clientY - bottom);
    return { mark, distance: Math.hypot(x, y) };
  });
  const [nearest] = distances.sort((a, b) => a.distance - b.distance);
  if (nearest?.distance <= FINGER) read(nearest.mark);
});
