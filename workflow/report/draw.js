/* Drawing: SVG elements, numbers as text, axes, and one tip that follows the pointer and the focus. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes and children; strings become text, so nothing is ever parsed as markup. */
function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null));
  return element;
}

/** A picture with a text for those who do not see it. */
function picture(width, height, label, ...children) {
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  return svg("svg", { ...size, role: "img", "aria-label": label, class: "picture" }, ...children);
}

function label(x, y, text, attributes = {}) {
  return svg("text", { x, y, ...attributes }, text);
}

/** How far the values on the page lie apart, in the model's units: less than a millionth of a millionth of it is 0. */
let UNIT = 0;

function setUnit(unit) {
  UNIT = unit;
}

/** Three significant digits, or more, with a real minus sign. */
function number(x, sign = false, most = 3) {
  if (x == null || Number.isNaN(x)) return "–";
  const size = Math.abs(x);
  if (size <= 1e-12 * UNIT) return "0";
  const text = size >= 1e5 || size < 1e-4 ? exponent(size, most) : String(Number(size.toPrecision(most)));
  return (x < 0 ? "−" : sign ? "+" : "") + text;
}

/** At most so many digits, and an exponent; of three digits, all. */
function exponent(size, most) {
  return most > 3 ? Number(size.toPrecision(most)).toExponential() : size.toExponential(2);
}

/** As many digits as tell a value from others, three at least: values may differ by little beside an offset. */
function digits(x) {
  const size = Math.abs(x);
  return size > UNIT && UNIT > 0 ? Math.max(3, Math.min(17, Math.ceil(Math.log10(size / UNIT)) + 2)) : 3;
}

/** A value of the model, with these digits. */
function level(x) {
  return number(x, false, digits(x));
}

function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.01) return "< 0.01 %";
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toPrecision(2)} %`;
}

function thousands(count) {
  return count.toLocaleString("en-US");
}

/** About `most` round numbers from low to high. */
function ticks(low, high, most = 5) {
  if (!(high > low)) return [low];
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

function scale([low, high], [from, to]) {
  const span = high - low || 1;
  return (x) => from + ((x - low) / span) * (to - from);
}

/** The vertical axis of a frame {left, right, top, bottom}. */
function axisLeft(frame, y, values, title, format = number) {
  const middle = (frame.top + frame.bottom) / 2;
  return svg(
    "g",
    { class: "axis" },
    values.map((v) => svg("line", { x1: frame.left, x2: frame.right, y1: y(v), y2: y(v), class: "grid" })),
    values.map((v) => label(frame.left - 6, y(v) + 4, format(v), { "text-anchor": "end" })),
    label(0, 0, title, { "text-anchor": "middle", transform: `translate(11,${middle}) rotate(-90)`, class: "title" }),
  );
}

function axisBottom(frame, x, values, title, format = number) {
  return svg(
    "g",
    { class: "axis" },
    svg("line", { x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom, class: "base" }),
    values.map((v) => label(x(v), frame.bottom + 16, format(v), { "text-anchor": "middle" })),
    label((frame.left + frame.right) / 2, frame.bottom + 34, title, { "text-anchor": "middle", class: "title" }),
  );
}

/** Shows what the element under the pointer or the focus says in `data-tip`. */
function startTips() {
  const tip = html("div", { id: "tip", role: "tooltip", hidden: true });
  document.body.append(tip);
  const show = (event) => {
    const owner = event.target.closest?.("[data-tip]");
    tip.hidden = !owner;
    if (!owner) return;
    tip.textContent = owner.getAttribute("data-tip");
    const box = owner.getBoundingClientRect();
    const left = event.clientX === undefined ? box.left + box.width / 2 : event.clientX;
    const top = event.clientY === undefined ? box.top : event.clientY;
    tip.style.left = `${Math.max(8, Math.min(left + 12, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${top - tip.offsetHeight - 12 < 4 ? top + 20 : top - tip.offsetHeight - 12}px`;
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("focusin", show);
  document.addEventListener("focusout", () => (tip.hidden = true));
  document.addEventListener("scroll", () => (tip.hidden = true), true);
  document.addEventListener("keydown", (event) => event.key === "Escape" && (tip.hidden = true));
}

/** A row of buttons of which one is pressed; calls `choose` with its index. */
function choices(name, labels, chosen, choose) {
  const buttons = labels.map((text, k) =>
    html(
      "button",
      {
        type: "button",
        class: "choice",
        "aria-pressed": String(k === chosen),
        onclick: () => {
          buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(other === k)));
          choose(k);
        },
      },
      text,
    ),
  );
  return html("div", { class: "choices", role: "group", "aria-label": name }, buttons);
}

/** Offers text as a file. */
function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" }));
  html("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** A drawing that may be wider than the screen. */
function scrolling(words, drawn) {
  return html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": words }, drawn);
}
