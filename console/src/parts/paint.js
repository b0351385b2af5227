// Canvas: size, colours of the theme, shapes that stand for states.

/** @typedef {"ground"|"panel"|"raised"|"line"|"text"|"quiet"|"accent"|"served"|"refused"|"no-path"|"off"|"good"|"bad"|"land"|"ocean"|"coast"} Ink */

/** Colours of shells, told apart with any colour vision (Okabe and Ito 2008, lightened for the dark sky). */
export const SERIES = ["#56b4e9", "#e69f00", "#4fd1a5", "#f0e442", "#cc79a7", "#ff8a5b", "#a9b4c2", "#9b8cff"];

/**
 * A colour of the theme as it is now.
 * @param {Ink} name
 */
export function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * Colour of a terminal's state.
 * @param {string} state
 */
export function stateInk(state) {
  if (state === "served") return ink("served");
  if (state === "refused") return ink("refused");
  if (state === "no_path") return ink("no-path");
  return ink("off");
}

/**
 * Fits a canvas to its box at the screen's resolution and clears it.
 * @param {HTMLCanvasElement} canvas
 * @param {number} height  CSS pixels
 * @returns {{context: CanvasRenderingContext2D, width: number, height: number} | null} null where it is not shown
 */
export function prepare(canvas, height) {
  const width = canvas.clientWidth;
  const context = canvas.getContext("2d");
  if (!width || !height || !context) return null;
  const scale = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return { context, width, height };
}

/**
 * A mark: the shape says the state where colour does not.
 * @param {CanvasRenderingContext2D} c
 * @param {"circle" | "cross" | "triangle" | "ring" | "square" | "diamond"} shape
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {string} colour
 */
export function mark(c, shape, x, y, r, colour) {
  c.fillStyle = colour;
  c.strokeStyle = colour;
  c.lineWidth = Math.max(1.4, r / 3);
  c.beginPath();
  if (shape === "circle" || shape === "ring") c.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === "square") c.rect(x - r, y - r, 2 * r, 2 * r);
  else if (shape === "cross") {
    c.moveTo(x - r, y - r);
    c.lineTo(x + r, y + r);
    c.moveTo(x + r, y - r);
    c.lineTo(x - r, y + r);
  } else if (shape === "triangle") {
    c.moveTo(x, y - r);
    c.lineTo(x + r, y + r * 0.8);
    c.lineTo(x - r, y + r * 0.8);
    c.closePath();
  } else {
    c.moveTo(x, y - r * 1.2);
    c.lineTo(x + r * 1.2, y);
    c.lineTo(x, y + r * 1.2);
    c.lineTo(x - r * 1.2, y);
    c.closePath();
  }
  if (shape === "ring" || shape === "cross") c.stroke();
  else c.fill();
}

/** @type {Record<string, "circle" | "cross" | "triangle" | "ring">} */
export const STATE_SHAPES = { served: "circle", refused: "cross", no_path: "triangle", off: "ring" };

/**
 * Draws again whenever the box or the theme changes, until the signal ends.
 * @param {Element} element
 * @param {AbortSignal} signal
 * @param {() => void} draw
 */
export function redraw(element, signal, draw) {
  const observer = new ResizeObserver(draw);
  observer.observe(element);
  document.addEventListener("theme", draw, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
}
