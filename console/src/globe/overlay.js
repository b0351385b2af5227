// What lies over the globe in 2D: the path of the chosen terminal, names, and a ring around what is chosen.

import * as THREE from "../../vendor/three/three.module.js";

/** @typedef {{at: THREE.Vector3, text: string, strong?: boolean}} Label */
/** @typedef {{from: THREE.Vector3, to: THREE.Vector3, kind: string, text?: string}} Leg */

const PARTS = 32; // of a leg, each hidden or not by the Earth
/** @type {Record<string, {colour: string, dash: number[], width: number}>} */
const LEGS = {
  service: { colour: "#4fd1a5", dash: [], width: 2.6 },
  laser: { colour: "#ff6fae", dash: [7, 4], width: 2.2 },
  feeder: { colour: "#f0e442", dash: [], width: 2.2 },
  fibre: { colour: "#ffffff", dash: [2, 4], width: 2 },
};
export const LEG_WORDS = [
  ["service", "dish – satellite"],
  ["laser", "laser between satellites"],
  ["feeder", "satellite – gateway"],
  ["fibre", "gateway – point of presence, by fibre"],
];

/** @param {string} kind */
export const legStyle = (kind) => LEGS[kind] ?? LEGS.fibre;

export class Overlay {
  #canvas;
  #point = new THREE.Vector3();

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
  }

  /**
   * @param {THREE.PerspectiveCamera} camera
   * @param {readonly Leg[]} legs
   * @param {readonly Label[]} labels
   */
  draw(camera, legs, labels) {
    const canvas = this.#canvas;
    const c = canvas.getContext("2d");
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!c || !width) return;
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    for (const leg of legs) this.#leg(c, camera, leg, width, height);
    this.#labels(c, camera, labels, width, height);
  }

  /**
   * Where a point of the scene is on the screen; null behind the Earth or outside.
   * @param {THREE.Vector3} at
   * @param {THREE.PerspectiveCamera} camera
   * @param {number} width
   * @param {number} height
   * @returns {[number, number] | null}
   */
  project(at, camera, width, height) {
    if (hidden(at, camera.position)) return null;
    const p = this.#point.copy(at).project(camera);
    if (p.z > 1 || Math.abs(p.x) > 1.2 || Math.abs(p.y) > 1.2) return null;
    return [((p.x + 1) / 2) * width, ((1 - p.y) / 2) * height];
  }

  /**
   * @param {CanvasRenderingContext2D} c
   * @param {THREE.PerspectiveCamera} camera
   * @param {Leg} leg
   * @param {number} width
   * @param {number} height
   */
  #leg(c, camera, leg, width, height) {
    const style = legStyle(leg.kind);
    const at = new THREE.Vector3();
    const ground = leg.kind === "fibre";
    for (const [colour, extra] of /** @type {const} */ ([["#000a", 2.5], [style.colour, 0]])) {
      c.strokeStyle = colour;
      c.lineWidth = style.width + extra;
      c.setLineDash(extra ? [] : style.dash);
      c.beginPath();
      let drawing = false;
      for (let k = 0; k <= PARTS; k++) {
        at.lerpVectors(leg.from, leg.to, k / PARTS);
        if (ground) at.setLength(1.002); // fibre lies on the ground
        const p = this.project(at, camera, width, height);
        if (!p) drawing = false;
        else if (drawing) c.lineTo(p[0], p[1]);
        else {
          c.moveTo(p[0], p[1]);
          drawing = true;
        }
      }
      c.stroke();
    }
    c.setLineDash([]);
  }

  /**
   * @param {CanvasRenderingContext2D} c
   * @param {THREE.PerspectiveCamera} camera
   * @param {readonly Label[]} labels
   * @param {number} width
   * @param {number} height
   */
  #labels(c, camera, labels, width, height) {
    /** @type {[number, number, number][]} */
    const taken = [];
    c.textBaseline = "middle";
    for (const label of [...labels].sort((a, b) => Number(b.strong ?? 0) - Number(a.strong ?? 0))) {
      const p = this.project(label.at, camera, width, height);
      if (!p) continue;
      c.font = `${label.strong ? 600 : 400} 12px system-ui, "DejaVu Sans", sans-serif`;
      const wide = c.measureText(label.text).width;
      const [x, y] = [p[0] + 9, p[1]];
      // Names that would lie on each other are left out, the chosen ones last.
      if (taken.some(([tx, ty, tw]) => Math.abs(ty - y) < 14 && x < tx + tw + 4 && tx < x + wide + 4)) continue;
      taken.push([x, y, wide]);
      c.lineWidth = 3.5;
      c.strokeStyle = "#05090ecc";
      c.lineJoin = "round";
      c.strokeText(label.text, x, y);
      c.fillStyle = label.strong ? "#ffffff" : "#d7e0ea";
      c.fillText(label.text, x, y);
    }
  }
}

/**
 * Whether the Earth is between the eye and a point; the sphere of its polar radius, so that the limb shows no false gaps.
 * @param {THREE.Vector3} at
 * @param {THREE.Vector3} eye
 */
export function hidden(at, eye) {
  const radius = 0.9966;
  const [dx, dy, dz] = [at.x - eye.x, at.y - eye.y, at.z - eye.z];
  const length2 = dx * dx + dy * dy + dz * dz;
  const t = -(eye.x * dx + eye.y * dy + eye.z * dz) / length2;
  if (t >= 1) return false;
  const [cx, cy, cz] = [eye.x + t * dx, eye.y + t * dy, eye.z + t * dz];
  return cx * cx + cy * cy + cz * cz < radius * radius;
}
