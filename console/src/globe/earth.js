// The Earth: land and water from the shipped outlines, day and night from the place of the Sun.

import * as THREE from "../../vendor/three/three.module.js";
import { DEG, ecef, EARTH_KM } from "../parts/geo.js";

const STEP_DEG = 2;
const TEXTURE_WIDTH = 4096;

const VERTEX = /* glsl */ `
  varying vec2 at;
  varying vec3 outward;
  void main() {
    at = uv;
    outward = normalize(position);
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  }
`;
const FRAGMENT = /* glsl */ `
  precision highp float;
  uniform sampler2D land;
  uniform vec3 sun;
  varying vec2 at;
  varying vec3 outward;
  void main() {
    vec3 base = texture2D(land, at).rgb;
    // Civil twilight ends with the Sun 6 degrees down: sin 6 degrees = 0.105.
    float day = smoothstep(-0.105, 0.05, dot(normalize(outward), sun));
    gl_FragColor = vec4(base * mix(0.6, 1.0, day), 1.0);
  }
`;

/**
 * Scene position of a place: unit is the Earth's equatorial radius.
 * @param {number} latitude
 * @param {number} longitude
 * @param {number} [altitude]  km
 */
export function scene(latitude, longitude, altitude = 0) {
  const [x, y, z] = ecef(latitude, longitude, altitude);
  return new THREE.Vector3(x / EARTH_KM, z / EARTH_KM, -y / EARTH_KM);
}

export class Earth {
  #material = new THREE.ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: { land: { value: null }, sun: { value: new THREE.Vector3(1, 0, 0) } },
  });
  #geometry = spheroid();

  /** @param {number[][][]} land  rings of [longitude, latitude] */
  constructor(land) {
    this.object = new THREE.Group();
    this.#material.uniforms.land.value = paintLand(land);
    this.object.add(new THREE.Mesh(this.#geometry, this.#material));
    this.object.add(lines(land.map((ring) => split(ring)).flat(), 0x86a0aa, 1.0006, 0.8));
    this.object.add(lines(graticule(), 0x5b7388, 1.0003, 0.28));
  }

  /** @param {readonly number[]} direction  Earth-fixed unit vector */
  shine([x, y, z]) {
    this.#material.uniforms.sun.value.set(x, z, -y);
  }

  dispose() {
    this.#geometry.dispose();
    this.#material.uniforms.land.value.dispose();
    this.#material.dispose();
  }
}

function spheroid() {
  const columns = 360 / STEP_DEG;
  const rows = 180 / STEP_DEG;
  const position = [];
  const uv = [];
  const index = [];
  for (let j = 0; j <= rows; j++)
    for (let i = 0; i <= columns; i++) {
      position.push(...scene(j * STEP_DEG - 90, i * STEP_DEG - 180).toArray());
      uv.push(i / columns, j / rows);
    }
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < columns; i++) {
      const a = j * (columns + 1) + i;
      index.push(a, a + 1, a + columns + 1, a + 1, a + columns + 2, a + columns + 1);
    }
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.Float32BufferAttribute(position, 3));
  geometry.setAttribute("uv", new THREE.Float32BufferAttribute(uv, 2));
  geometry.setIndex(index);
  return geometry;
}

/** @param {number[][][]} land */
function paintLand(land) {
  const canvas = document.createElement("canvas");
  canvas.width = TEXTURE_WIDTH;
  canvas.height = TEXTURE_WIDTH / 2;
  const c = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  c.fillStyle = "#17283c";
  c.fillRect(0, 0, canvas.width, canvas.height);
  c.fillStyle = "#41544f";
  c.beginPath();
  for (const ring of land) {
    ring.forEach(([longitude, latitude], i) => {
      const x = ((longitude + 180) / 360) * canvas.width;
      const y = ((90 - latitude) / 180) * canvas.height;
      if (i) c.lineTo(x, y);
      else c.moveTo(x, y);
    });
    c.closePath();
  }
  c.fill();
  const texture = new THREE.CanvasTexture(canvas);
  texture.anisotropy = 4;
  return texture;
}

/**
 * Parts of a ring without its edges along ±180° and −90°, which are cuts and no coasts.
 * @param {number[][]} ring
 * @returns {number[][][]}
 */
function split(ring) {
  const cut = (/** @type {number[]} */ p, /** @type {number[]} */ q) =>
    (Math.abs(p[0]) > 179.98 && Math.abs(q[0]) > 179.98) || (p[1] < -89.9 && q[1] < -89.9);
  /** @type {number[][][]} */
  const parts = [];
  /** @type {number[][]} */
  let part = [ring[0]];
  for (let i = 1; i < ring.length; i++) {
    if (cut(ring[i - 1], ring[i])) {
      if (part.length > 1) parts.push(part);
      part = [];
    }
    part.push(ring[i]);
  }
  if (part.length > 1) parts.push(part);
  return parts;
}

/** @returns {number[][][]} */
function graticule() {
  /** @type {number[][][]} */
  const found = [];
  for (let longitude = -180; longitude < 180; longitude += 30) {
    const line = [];
    for (let latitude = -90; latitude <= 90; latitude += 3) line.push([longitude, latitude]);
    found.push(line);
  }
  for (let latitude = -60; latitude <= 60; latitude += 30) {
    const line = [];
    for (let longitude = -180; longitude <= 180; longitude += 3) line.push([longitude, latitude]);
    found.push(line);
  }
  return found;
}

/**
 * Lines on the ground; long edges are parted so that they keep to the surface.
 * @param {readonly (readonly (readonly number[])[])[]} polylines  [longitude, latitude]
 * @param {number} colour
 * @param {number} lift  1: on the ground
 * @param {number} opacity
 * @param {number} [dash]  length of a dash and of a gap, scene units
 */
export function lines(polylines, colour, lift, opacity, dash = 0) {
  /** @type {number[]} */
  const points = [];
  for (const line of polylines)
    for (let i = 1; i < line.length; i++) {
      const [a, b] = [line[i - 1], line[i]];
      const parts = Math.max(1, Math.ceil(Math.max(Math.abs(b[0] - a[0]) * Math.cos(a[1] * DEG), Math.abs(b[1] - a[1])) / 2));
      for (let k = 0; k < parts; k++)
        for (const t of [k / parts, (k + 1) / parts]) {
          const p = scene(a[1] + (b[1] - a[1]) * t, a[0] + (b[0] - a[0]) * t).multiplyScalar(lift);
          points.push(p.x, p.y, p.z);
        }
    }
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.Float32BufferAttribute(points, 3));
  const options = { color: colour, transparent: opacity < 1, opacity };
  const material = dash
    ? new THREE.LineDashedMaterial({ ...options, dashSize: dash, gapSize: dash })
    : new THREE.LineBasicMaterial(options);
  const object = new THREE.LineSegments(geometry, material);
  if (dash) dashAlong(geometry);
  return object;
}

/**
 * Distances that run on from one segment to the next where they touch, for dashes of even length.
 * @param {THREE.BufferGeometry} geometry
 */
function dashAlong(geometry) {
  const p = geometry.getAttribute("position");
  const distances = new Float32Array(p.count);
  let run = 0;
  for (let i = 0; i < p.count; i += 2) {
    const touches = i > 0 && p.getX(i) === p.getX(i - 1) && p.getY(i) === p.getY(i - 1) && p.getZ(i) === p.getZ(i - 1);
    if (!touches) run = 0;
    distances[i] = run;
    run += Math.hypot(p.getX(i + 1) - p.getX(i), p.getY(i + 1) - p.getY(i), p.getZ(i + 1) - p.getZ(i));
    distances[i + 1] = run;
  }
  geometry.setAttribute("lineDistance", new THREE.BufferAttribute(distances, 1));
}
